/** Error rows of `tocsin hunt` (`hunt.*`): how a hunt ends other than with nothing found, and what it had to pass over. */
import type { ErrorTable } from './error-row.ts';

export const huntErrors = {
  'hunt.found': {
    retry: 'never', http: 409, exit: 1,
    about: 'A hunt was asked to fail on findings of a level, and there are some.',
    say: (d: { count: number; level: string }) =>
      `${d.count} ${d.count === 1 ? 'match is' : 'matches are'} at or above ${d.level}. All input was judged. Look at what is listed, or raise --fail-on.`,
  },
  'hunt.incomplete': {
    retry: 'never', http: 422, exit: 66,
    about: 'Some of the files a hunt was to read could not be read, or not to their end. Everything else was judged.',
    say: (d: { files: number; first: string; reason: string }) =>
      `${d.files} ${d.files === 1 ? 'file' : 'files'} could not be read whole, the first of them ${d.first}: ${d.reason}. Everything else was judged. Correct the files, then hunt through them again.`,
  },
  'hunt.no_rules': {
    retry: 'never', http: 422, exit: 65,
    about: 'None of the rules a hunt was given could be loaded.',
    say: (d: { path: string; refused: number; reason: string }) =>
      `None of the rules in ${d.path} could be loaded; ${d.refused} ${d.refused === 1 ? 'was' : 'were'} refused, the first because ${d.reason}. Nothing was judged. Correct them: tocsin rules check ${d.path}`,
  },
  'hunt.cache_ignored': {
    retry: 'never', http: 500, exit: 73,
    about: 'A hunt did not use, or could not write, a file of its cache of parsed rules and filter programs. It was made anew from the rule files instead.',
    say: (d: { path: string; reason: string }) =>
      `The rule cache ${d.path} was not used: ${d.reason}. What it would have held was made from the rule files. Remove it; a hunt can be given another folder with --cache.`,
  },
  'hunt.internal': {
    retry: 'never', http: 500, exit: 70,
    about: 'Something went wrong inside a hunt that has no code of its own.',
    say: (d: { what: string }) => `The hunt broke off: ${d.what}. What was printed so far is right. Please report it.`,
  },
} satisfies ErrorTable;
