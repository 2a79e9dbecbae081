/**
 * Lines over chunks: NDJSON and line formats arrive in pieces that end anywhere. Lines within one chunk are views into it;
 * only a line that spans chunks is copied. What a line holds is not looked at.
 */

/** Bounds of a line splitter. */
export interface LineLimits {
  /** Longest line in bytes, its end of line apart. */
  readonly maxLineBytes: number;
  /** Most lines altogether, blank ones apart; what follows is not read. Unlimited where absent. */
  readonly maxLines?: number | undefined;
}

/** One line: its bytes, or, beyond the limit, only how long it was. */
export type Line = { readonly bytes: Uint8Array; readonly tooLong?: undefined } | { readonly tooLong: number };

/** Takes chunks and gives lines, without their `\n` or `\r\n`; blank lines are left out. */
export interface LineSplitter {
  push(chunk: Uint8Array): Line[];
  /** The last line where it had no end of line. */
  end(): Line[];
  /** True once there were more than `maxLines` lines. */
  readonly isFull: boolean;
}

const LF = 0x0a;
const CR = 0x0d;

/** A splitter that holds at most `maxLineBytes` between calls; the rest of a longer line is skipped, counted and reported as `tooLong`. */
export function createLineSplitter(limits: LineLimits): LineSplitter {
  let parts: Uint8Array[] = [];
  let held = 0;
  let room = limits.maxLines ?? Number.POSITIVE_INFINITY;

  const hold = (part: Uint8Array): void => {
    held += part.length;
    if (held > limits.maxLineBytes + 1) parts = [];
    // A copy: the chunk belongs to whoever gave it.
    else if (part.length > 0) parts.push(part.slice());
  };
  const take = (last: Uint8Array, lines: Line[]): void => {
    const before = lines.length;
    if (held === 0) addLine(last, limits.maxLineBytes, lines);
    else {
      hold(last);
      if (held > limits.maxLineBytes + 1) lines.push({ tooLong: held });
      else addLine(join(parts, held), limits.maxLineBytes, lines);
    }
    parts = [];
    held = 0;
    room -= lines.length - before;
  };

  return {
    get isFull() {
      return room < 0;
    },
    push(chunk) {
      const lines: Line[] = [];
      let start = 0;
      for (let end = chunk.indexOf(LF); end !== -1 && room >= 0; end = chunk.indexOf(LF, start)) {
        take(chunk.subarray(start, end), lines);
        start = end + 1;
      }
      if (start < chunk.length && room >= 0) hold(chunk.subarray(start));
      return lines;
    },
    end() {
      const lines: Line[] = [];
      take(new Uint8Array(0), lines);
      return lines;
    },
  };
}

function addLine(line: Uint8Array, maxLineBytes: number, lines: Line[]): void {
  const length = line.length > 0 && line[line.length - 1] === CR ? line.length - 1 : line.length;
  if (length > maxLineBytes) lines.push({ tooLong: length });
  else if (!isBlank(line, length)) lines.push({ bytes: length === line.length ? line : line.subarray(0, length) });
}

function isBlank(line: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (line[i] !== 0x20 && line[i] !== 0x09) return false;
  return true;
}

function join(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
