/**
 * What a thread is doing right now, in memory that outlives it: written before each frame or step, read by its supervisor to see whether it
 * still moves, and after its end to know what ended it. One writer.
 */
import type { Position } from '@tocsin/core';

/** What a thread may be doing. */
export type Phase = 'idle' | 'warming' | 'judging' | 'folding';

/** What it was doing when it was looked at. */
export interface BlackBoxEntry {
  /** Another number, another piece of work. */
  readonly turn: number;
  readonly phase: Exclude<Phase, 'idle'>;
  /** Frame or step. */
  readonly position: Position;
  /** Event in the frame, or match in the step; -1 while that is not known. */
  readonly index: number;
  /** Place of the detector that was asked; -1 for rules. */
  readonly detector: number;
}

const PHASES: readonly Phase[] = ['idle', 'warming', 'judging', 'folding'];
const TEXT_AT = 32;
const MEMORY_BYTES = 512;
const [TURN, PHASE, INDEX, DETECTOR, TEXT_BYTES] = [0, 1, 2, 3, 4] as const;

/** Both sides of one thread's memory. */
export class BlackBox {
  readonly memory: SharedArrayBuffer;
  readonly #numbers: Int32Array;
  readonly #text: Uint8Array;
  readonly #encoder = new TextEncoder();
  #isFrozen = false;

  /** Over memory that is there, or over new memory. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(MEMORY_BYTES)) {
    this.memory = memory;
    this.#numbers = new Int32Array(memory, 0, TEXT_AT / 4);
    this.#text = new Uint8Array(memory, TEXT_AT);
  }

  /** A piece of work begins. */
  enter(phase: Exclude<Phase, 'idle'>, position: Position): void {
    if (this.#isFrozen) return;
    const { written } = this.#encoder.encodeInto(position, this.#text);
    this.#numbers[TEXT_BYTES] = written;
    this.at(-1);
    Atomics.add(this.#numbers, TURN, 1);
    Atomics.store(this.#numbers, PHASE, PHASES.indexOf(phase));
  }

  /** Which part of it. */
  at(index: number, detector = -1): void {
    if (this.#isFrozen) return;
    this.#numbers[INDEX] = index;
    this.#numbers[DETECTOR] = detector;
  }

  /** The piece of work is done. */
  leave(): void {
    if (!this.#isFrozen) Atomics.store(this.#numbers, PHASE, 0);
  }

  /** The thread ends over this piece of work: what else it may still do until then is not written down. */
  freeze(): void {
    this.#isFrozen = true;
  }

  /** What is being done; undefined for nothing. */
  read(): BlackBoxEntry | undefined {
    const phase = PHASES[Atomics.load(this.#numbers, PHASE)] ?? 'idle';
    if (phase === 'idle') return undefined;
    const position = Buffer.from(this.#text.slice(0, this.#numbers[TEXT_BYTES])).toString() as Position;
    return {
      turn: Atomics.load(this.#numbers, TURN),
      phase,
      position,
      index: this.#numbers[INDEX] ?? -1,
      detector: this.#numbers[DETECTOR] ?? -1,
    };
  }
}
