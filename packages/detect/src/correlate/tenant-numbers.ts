/** Tenants by number, so that columns can name them. */

/** Numbers of tenants, in the order in which they were first seen. */
export class TenantNumbers {
  readonly #numbers = new Map<string, number>();
  #last = '';
  #lastNumber = -1;

  of(tenant: string): number {
    if (tenant === this.#last && this.#lastNumber >= 0) return this.#lastNumber;
    const number = this.#numbers.get(tenant) ?? this.#numbers.size;
    this.#numbers.set(tenant, number);
    this.#last = tenant;
    this.#lastNumber = number;
    return number;
  }
}
