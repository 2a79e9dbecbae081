/** Programs of the filter kept between runs, one file each, named by what their rules say and by the code that made them. How far a kept file is trusted is `kept-file.ts`. */
import { createHash } from 'node:crypto';
import { decodeImage, encodeImage } from '@tocsin/core';
import type { ProgramStore } from '@tocsin/detect/judge';
import { codeFingerprint } from './code-fingerprint.ts';
import { type KeptFileOptions, openKeptFile } from './kept-file.ts';

/** Programs in a folder. */
export function openProgramCache(options: KeptFileOptions): ProgramStore {
  // What a rule's version says hangs on the parser, what is made of it on the filter and the scanner.
  const code = Buffer.concat([
    codeFingerprint('@tocsin/detect', 'parse', 'compile', 'filter'),
    codeFingerprint('@tocsin/core', 'scan', 'scan/machine'),
  ]);
  const fileOf = (key: string): ReturnType<typeof openKeptFile> =>
    openKeptFile('program', createHash('sha256').update(code).update(key).digest(), options);
  return {
    read: (key) => fileOf(key).read(decodeImage),
    write: (key, image) => fileOf(key).write(() => encodeImage(image)),
  };
}
