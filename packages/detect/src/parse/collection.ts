/**
 * The documents of one rule file with the actions of the older format carried out (Sigma 1, "Rule Collections"): what `global` says
 * holds for every document behind it until `reset`, and `repeat` is the document before it with some parts changed.
 */
import { loadDocument, type RuleDocument, splitDocuments } from './read-documents.ts';
import { RuleFault } from './rule-fault.ts';
import { countValues, entry, isYamlMap, mergeMaps, withoutKeys, type YamlMap } from './yaml-map.ts';

/** A document of a collection: its value, or why it has none. `value` is undefined exactly where there is a fault. */
export interface CollectedDocument {
  readonly document: RuleDocument;
  readonly value: unknown;
  readonly fault?: RuleFault | undefined;
}

/** Values that the documents of one file may have together once `global` was added to each: a large one before many would multiply. */
const MAX_COLLECTED_VALUES = 1_000_000;

/** Documents of a file in order. Those that carry an action only are left out; one that cannot be read stands there with its fault. */
export function readCollection(text: string): CollectedDocument[] {
  const collection: Collection = { globals: [], previous: undefined, budget: MAX_COLLECTED_VALUES, inherited: new Map() };
  const collected: CollectedDocument[] = [];
  for (const document of splitDocuments(text)) collected.push(...attemptDocument(document, () => take(collection, document)));
  return [...collected, ...unusedGlobals(collection)];
}

interface Collection {
  /** Documents of `global` in force, in order. */
  globals: Global[];
  /** The last document as it was taken, for `repeat`. */
  previous: YamlMap | undefined;
  budget: number;
  /** How often an id was handed down so far. */
  readonly inherited: Map<string, number>;
}

interface Global {
  readonly document: RuleDocument;
  /** Undefined where it cannot be read: what builds on it is refused with it. */
  readonly value: YamlMap | undefined;
  isUsed: boolean;
}

function attemptDocument(document: RuleDocument, read: () => unknown): CollectedDocument[] {
  try {
    const value = read();
    return value === undefined ? [] : [{ document, value }];
  } catch (fault) {
    if (fault instanceof RuleFault) return [{ document, value: undefined, fault }];
    throw fault;
  }
}

/** What a document comes to; undefined for `global` and `reset`, which stand for nothing by themselves. */
function take(collection: Collection, document: RuleDocument): unknown {
  const value = load(collection, document);
  if (!isYamlMap(value)) {
    collection.previous = undefined;
    return value;
  }
  const action = entry(value, 'action');
  const own = action === undefined ? value : withoutKeys(value, ['action']);
  if (action === 'global') {
    collection.globals.push({ document, value: own, isUsed: false });
    return undefined;
  }
  if (action === 'reset') return reset(collection, own);
  if (action === undefined || action === 'repeat') return build(collection, own, action === 'repeat');
  throw new RuleFault('detect.bad_rule', `action ${JSON.stringify(action)} is none of global, reset, repeat`, ['action']);
}

function reset(collection: Collection, own: YamlMap): undefined {
  if (Object.keys(own).length > 0) throw new RuleFault('detect.bad_rule', 'a document with action reset holds nothing else', ['action']);
  endGlobals(collection);
}

/** The document upon those it builds on. */
function build(collection: Collection, own: YamlMap, isRepeat: boolean): YamlMap {
  if (!isRepeat && collection.globals.length === 0) {
    collection.previous = own;
    return own;
  }
  const under = isRepeat ? repeated(collection) : global(collection);
  collection.previous = undefined;
  const merged = mergeMaps(under, own);
  collection.budget -= countValues(merged, MAX_COLLECTED_VALUES);
  if (collection.budget < 0)
    throw new RuleFault('detect.bad_rule', `the documents of its file have more than ${MAX_COLLECTED_VALUES} values together`, ['action']);
  collection.previous = merged;
  return withOwnId(own, merged, { inherited: collection.inherited, taken: isRepeat ? 1 : 0 });
}

function load(collection: Collection, document: RuleDocument): unknown {
  try {
    return loadDocument(document);
  } catch (error) {
    // Whether it was meant as `global` is only known from its text.
    if (/^action\s*:\s*['"]?global\b/m.test(document.text)) collection.globals.push({ document, value: undefined, isUsed: true });
    collection.previous = undefined;
    throw error;
  }
}

function repeated({ previous }: Collection): YamlMap {
  if (previous === undefined) throw new RuleFault('detect.bad_rule', 'it repeats the document before it, and there is none', ['action']);
  return previous;
}

function global(collection: Collection): YamlMap {
  let merged: YamlMap = {};
  for (const one of collection.globals) {
    one.isUsed = true;
    if (one.value === undefined)
      throw new RuleFault('detect.bad_rule', `it builds on the global document at line ${one.document.line}, which was refused`, []);
    merged = mergeMaps(merged, one.value);
  }
  return merged;
}

/** An id can be handed down to one rule only: the others get it with a number. A name is not handed down twice. */
function withOwnId(own: YamlMap, merged: YamlMap, { inherited, taken }: { inherited: Map<string, number>; taken: number }): YamlMap {
  let rule = merged;
  for (const key of ['id', 'name']) {
    const given = entry(merged, key);
    if (entry(own, key) !== undefined || (typeof given !== 'string' && typeof given !== 'number')) continue;
    const count = (inherited.get(`${key} ${given}`) ?? taken) + 1;
    inherited.set(`${key} ${given}`, count);
    if (count > 1) rule = key === 'id' ? mergeMaps(rule, { id: `${given}#${count}` }) : withoutKeys(rule, ['name']);
  }
  return rule;
}

function endGlobals(collection: Collection): void {
  const unused = collection.globals.find((one) => !one.isUsed);
  collection.globals = [];
  if (unused !== undefined) throw unusedFault();
}

function unusedGlobals({ globals }: Collection): CollectedDocument[] {
  return globals.filter((one) => !one.isUsed).map(({ document }) => ({ document, value: undefined, fault: unusedFault() }));
}

function unusedFault(): RuleFault {
  return new RuleFault('detect.bad_rule', 'a document with action global is followed by no rule', ['action']);
}
