/**
 * Loaded before the program: its wall clock is off by what a file says, milliseconds, as a clock that is set while it runs. Monotonic time goes on as it does
 * then. A file of its own in plain JavaScript, since it is loaded into every thread of the built program.
 */
import { readFileSync } from 'node:fs';

const path = process.env.TOCSIN_FAULTS_CLOCK;
const LOOK_EVERY_MS = 20;
const RealDate = globalThis.Date;
const realNow = RealDate.now.bind(RealDate);
let offsetMs = 0;

const look = () => {
  const read = Number(readFileSync(path, 'utf8'));
  if (Number.isFinite(read)) offsetMs = read;
};

if (path) {
  look();
  setInterval(look, LOOK_EVERY_MS).unref();
  globalThis.Date = class Date extends RealDate {
    constructor(...given) {
      super(...(given.length === 0 ? [realNow() + offsetMs] : given));
    }

    static now() {
      return realNow() + offsetMs;
    }
  };
}
