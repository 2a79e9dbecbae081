import { expect, it } from 'vitest';
import { builtModule } from './quick-imports.ts';

const PACKAGES = 'file:///opt/app/node_modules/@tocsin/';
const PARENT = `${PACKAGES}core/dist/scan/create-scanner.js`;

it.each([
  ['./byte-text.js', 'core/dist/scan/byte-text.js'],
  ['../hash.js', 'core/dist/hash.js'],
])('knows what %s of a built file is', (specifier, path) => {
  expect(builtModule(PACKAGES, specifier, PARENT)).toEqual({ url: `${PACKAGES}${path}`, format: 'module', shortCircuit: true });
});

it.each([
  ['a package', '@tocsin/core', PARENT],
  ['a module of Node', 'node:fs', PARENT],
  ['a file of no module', './data.json', PARENT],
  ['a name out of what was built', '../../test/x.js', PARENT],
  ['a name out of the packages', '../../../../yaml/dist/index.js', PARENT],
  ['a module of a dependency', './index.js', 'file:///opt/app/node_modules/yaml/dist/doc.js'],
  ['a module of a dependency within a package', './index.js', `${PACKAGES}core/node_modules/yaml/dist/doc.js`],
  ['a source', './x.js', `${PACKAGES}core/src/y.ts`],
  ['an entry', './x.js', undefined],
])('leaves %s to Node', (_, specifier, parent) => {
  expect(builtModule(PACKAGES, specifier, parent)).toBeUndefined();
});
