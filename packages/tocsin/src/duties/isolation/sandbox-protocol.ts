/** What is said between a thread and the throw-away process that judges suspected events. Plain data. */
import type { LogSource, Match, Position } from '@tocsin/core';

/** A part of an event's judgement: by rules, or by one detector. */
export interface SandboxUnit {
  readonly index: number;
  /** Place of the detector; -1 for the rules. */
  readonly detector: number;
}

/** What the process is to do. */
export interface SandboxTask {
  /** Rules as `encodeRules` gives them. */
  readonly rules: Uint8Array;
  readonly logSources: readonly LogSource[];
  readonly detectors: readonly string[];
  readonly frame: Uint8Array;
  readonly tenant: string;
  readonly at: Position;
  readonly units: readonly SandboxUnit[];
}

/** What the process says. */
export type SandboxNews =
  | { readonly say: 'begin'; readonly unit: number }
  | {
      readonly say: 'done';
      readonly unit: number;
      readonly matches: readonly Match[];
      readonly errors: readonly { readonly ruleId: string; readonly text: string }[];
    }
  | { readonly say: 'end' };
