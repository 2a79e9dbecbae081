export { contractCases } from './contract-cases.ts';
export type { ContractHarness, ContractTime, OpenHarness } from './contract-harness.ts';
export { type ContractCase, ContractKit } from './contract-kit.ts';
export { type ContractRun, checkWaivers, runCase, runContract, type Waiver } from './run-contract.ts';
