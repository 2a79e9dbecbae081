/** The rule asks for something the reference evaluator does not know; it says so and never guesses "no match". */
export class OracleRefusal extends Error {}
