/** One line at the bottom of a terminal that says how far something has come, and makes room for lines of result. */
import { shorten } from './visible-text.ts';

/** Where the bar is drawn. */
export interface BarScreen {
  write(text: string): unknown;
  readonly columns?: number | undefined;
}

const WIDTH = 24;
/** Least time between two drawings, milliseconds: faster than the eye is only noise. */
const REDRAW_MS = 80;

/** A bar; nothing is drawn before the first `show`. Whoever opened it calls `end`. */
export class ProgressBar {
  readonly #screen: BarScreen;
  readonly #label: string;
  readonly #nowMs: () => number;
  #text = '';
  #drawnMs = Number.NEGATIVE_INFINITY;
  #drawn = false;

  constructor(screen: BarScreen, label: string, nowMs: () => number) {
    this.#screen = screen;
    this.#label = label;
    this.#nowMs = nowMs;
  }

  /** Says how far it has come: `share` from 0 to 1, undefined where the whole is not known. */
  show(share: number | undefined, detail: string): void {
    this.#text = `${this.#label} ${share === undefined ? '' : `${drawBar(share)} `}${detail}`;
    if (this.#nowMs() - this.#drawnMs < REDRAW_MS) return;
    this.#draw();
  }

  /** Takes the bar off the screen while `write` writes, and draws it again. */
  around(write: () => void): void {
    const there = this.#drawn;
    this.#erase();
    write();
    if (there) this.#draw();
  }

  /** Takes it off the screen for good. */
  end(): void {
    this.#erase();
  }

  #draw(): void {
    this.#drawnMs = this.#nowMs();
    this.#drawn = true;
    this.#screen.write(`\r\x1b[2K${shorten(this.#text, (this.#screen.columns ?? 80) - 1)}`);
  }

  #erase(): void {
    if (this.#drawn) this.#screen.write('\r\x1b[2K');
    this.#drawn = false;
  }
}

function drawBar(share: number): string {
  const whole = Math.min(1, Math.max(0, share));
  return `${'█'.repeat(Math.round(whole * WIDTH)).padEnd(WIDTH, '░')} ${String(Math.floor(whole * 100)).padStart(3)} %`;
}
