/**
 * Mappings compiled once more for kinds of records: of most names that a mapping looks for, records of one kind have none, and what they lack
 * is not looked for again with each of them. Only for kinds that come often, and for a bounded number of them.
 */
import type { Mapper } from './compile-mapping.ts';

/** A mapping ready for use. */
export interface CompiledMapping {
  readonly id: string;
  /** For any record. */
  readonly map: Mapper;
  /** Compiles it anew, for records that have no members but these; it maps them as `map` does. */
  mapOf(members: ReadonlySet<string>): Mapper;
}

/** Records of a kind after which a mapping of theirs is compiled for it: compiling costs as much as some thirty records. */
const WORTH_FROM = 64;
/** Most mappings compiled for kinds, of one format; a few KiB each. */
const MAX_COMPILED = 512;

/** How many more mappings may be compiled for kinds of one format. */
export class MapperAllowance {
  #left = MAX_COMPILED;
  readonly #forget: () => void;

  /** `forget` is to let go of every kind, and with it of what was compiled for it. */
  constructor(forget: () => void) {
    this.#forget = forget;
  }

  /** One more is compiled: the kinds that come are worked out anew where that is one too many. */
  take(): void {
    if (this.#left === 0) {
      this.#forget();
      this.#left = MAX_COMPILED;
    }
    this.#left -= 1;
  }
}

/** Mappers of one kind of records. */
export class KindMappers {
  readonly #members: ReadonlySet<string>;
  readonly #allowance: MapperAllowance;
  #seen = 0;
  /** Records of a kind are mostly of one mapping: the one used last is compared first. */
  #last: CompiledMapping | undefined;
  #lastMap: Mapper | undefined;
  #compiled: Map<CompiledMapping, Mapper> | undefined;

  /** Of records that have these members. */
  constructor(members: ReadonlySet<string>, allowance: MapperAllowance) {
    this.#members = members;
    this.#allowance = allowance;
  }

  /** The mapper of one more record of the kind. */
  mapperOf(mapping: CompiledMapping): Mapper {
    if (mapping === this.#last && this.#lastMap !== undefined) return this.#lastMap;
    const known = this.#compiled?.get(mapping);
    if (known === undefined && ++this.#seen < WORTH_FROM) return mapping.map;
    const map = known ?? this.#compile(mapping);
    this.#last = mapping;
    this.#lastMap = map;
    return map;
  }

  #compile(mapping: CompiledMapping): Mapper {
    this.#allowance.take();
    this.#seen = 0;
    const map = mapping.mapOf(this.#members);
    this.#compiled ??= new Map();
    this.#compiled.set(mapping, map);
    return map;
  }
}
