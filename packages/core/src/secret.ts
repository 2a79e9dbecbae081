/** Secrets as a type: a value that prints as `[redacted]` wherever it is written by accident. Keeping it out of memory dumps is not its job. */

const REDACTED = '[redacted]';

/** A secret text. Only `reveal` gives it away: template strings, `JSON.stringify`, loggers and `util.inspect` get `[redacted]`. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The secret itself. Call it where it is used and nowhere else. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}
