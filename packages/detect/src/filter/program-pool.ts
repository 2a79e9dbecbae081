/**
 * The programs of a filter: made when they are first needed, or taken from where they are kept, and forgotten when no rule set has their
 * part of a route any more. What a program finds is `plan-route.ts`.
 */
import { encodeProgram, type ProgramImage, type Scanner, type ScanProgram } from '@tocsin/core';
import type { RoutePart } from '../compile/compiled-rules.ts';
import { canonicalJson } from '../parse/rule-metadata.ts';
import { planRoute } from './plan-route.ts';

/** Where programs are kept between runs or handed over between threads. A key is long: it is the versions of all rules and the names of their fields. It does not stand for the code that makes programs of them: whoever keeps them sees to that. */
export interface ProgramStore {
  /** The program kept under a key; undefined where none is. */
  read(key: string): ProgramImage | undefined;
  write(key: string, image: ProgramImage): void;
}

/** Programs by the part they are for. */
export class ProgramPool {
  readonly #scanner: Scanner;
  readonly #store: ProgramStore | undefined;
  readonly #programs = new WeakMap<RoutePart, ScanProgram>();
  readonly #gone: FinalizationRegistry<ScanProgram>;

  constructor(scanner: Scanner, store: ProgramStore | undefined) {
    this.#scanner = scanner;
    this.#store = store;
    this.#gone = new FinalizationRegistry((program) => scanner.remove(program));
  }

  /** The program of a part, in the scanner. */
  programOf(part: RoutePart): ScanProgram {
    const known = this.#programs.get(part);
    if (known !== undefined) return known;
    const program = this.#scanner.install(this.#imageOf(part));
    this.#programs.set(part, program);
    this.#gone.register(part, program);
    return program;
  }

  #imageOf(part: RoutePart): ProgramImage {
    if (this.#store === undefined || part.rules.length < LEAST_KEPT) return encodeProgram(planRoute(part));
    const key = programKey(part);
    const kept = this.#store.read(key);
    if (kept !== undefined) return kept;
    const image = encodeProgram(planRoute(part));
    this.#store.write(key, image);
    return image;
  }
}

/** Programs of fewer rules are made as quickly as they are read. */
const LEAST_KEPT = 8;

/** Name of a part's program: what its rules say, in their order, and where the log source keeps the fields they name. */
function programKey({ rules, logSource: { aliases, prefixes, jsonObjects } }: RoutePart): string {
  const versions = rules.map(({ meta }) => meta.version);
  return JSON.stringify([canonicalJson({ aliases, prefixes, jsonObjects }), versions]);
}
