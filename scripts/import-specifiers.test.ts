/** The import reader against statements as they are written, and against text that only looks like one. */
import { describe, expect, it } from 'vitest';
import { importSpecifiers } from './import-specifiers.ts';

const read = (text: string): string[] => importSpecifiers(text).map(({ specifier, line }) => `${line}:${specifier}`);

describe('importSpecifiers', () => {
  it.each<[string, string[]]>([
    ["import { a } from './a.ts';", ['1:./a.ts']],
    ["import type { A } from '@tocsin/core';", ['1:@tocsin/core']],
    ['import a, { b }\n  from "x";', ['1:x']],
    ["\nimport {\n  a,\n  type B,\n} from 'x/y';\nimport 'z';", ['2:x/y', '6:z']],
    ["export * from './b.ts';\nexport type { C } from './c.ts';\nexport {};", ['1:./b.ts', '2:./c.ts']],
    ["const m = await import('lazy');\nlet t: import('typed').T;", ['1:lazy', '2:typed']],
    ["import * as ns from 'ns';", ['1:ns']],
    ["// import { a } from 'no';\n/* import 'no' */\n/**\n import 'no';\n */", []],
    ["const url = 'https://x'; import('yes');", ['1:yes']],
    ["export const from = 'no';\nexport function f(from = 'no') { return from; }", []],
    ['const text = "import { a } from \'no\'";', []],
  ])('%j names %j', (text, want) => expect(read(text)).toEqual(want));
});
