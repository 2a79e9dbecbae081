/** The OCSF schema as Tocsin ships it (`ocsf-table.data.ts`), resolved: what a class or object may and must hold. Read when first asked for. */
import { ocsfTable } from './ocsf-table.data.ts';

/** What is said of one attribute in one class or object. */
export interface OcsfAttribute {
  /** Name of a type (`string_t`, `ip_t`, …) or of an object. */
  readonly type: string;
  readonly isList: boolean;
  readonly isRequired: boolean;
  /** Values it may have; undefined where any. */
  readonly values: ReadonlySet<string> | undefined;
  /** Number of its kind among the observables; undefined where it is none. */
  readonly observable: number | undefined;
}

/** A class or an object with all that it inherits. */
export interface OcsfShape {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, OcsfAttribute>;
  /** Of these at least one is there. */
  readonly oneOf: readonly string[];
}

/** A class of events. */
export interface OcsfClass extends OcsfShape {
  readonly uid: number;
  readonly caption: string;
  readonly categoryUid: number;
  readonly category: string;
  readonly activities: ReadonlyMap<number, string>;
}

/** The schema. Immutable. */
export interface OcsfSchema {
  readonly version: string;
  readonly classes: ReadonlyMap<number, OcsfClass>;
  /** An object; undefined where a name is a plain type's. */
  object(name: string): OcsfShape | undefined;
  /** What a plain type is written as: `string_t`, `integer_t`, `long_t`, `float_t`, `boolean_t`, `json_t`. */
  baseOf(type: string): string;
}

let schema: OcsfSchema | undefined;

/** The schema; the same one each time. */
export function ocsfSchema(): OcsfSchema {
  schema ??= readTable();
  return schema;
}

/** A line of the table that is a class or an object, before it inherits. */
interface Written {
  readonly name: string;
  readonly parent: string;
  readonly attributes: string;
  readonly oneOf: readonly string[];
  readonly observable: number | undefined;
  /** Of classes: category, number, caption, activities. */
  readonly more: { readonly category: string; readonly uid: string; readonly caption: string; readonly activities: string } | undefined;
}

interface Dictionary {
  readonly types: ReadonlyMap<string, { readonly base: string; readonly observable: number | undefined }>;
  readonly attributes: ReadonlyMap<string, Omit<OcsfAttribute, 'isRequired'>>;
}

function readTable(): OcsfSchema {
  const lines = ocsfTable.trim().split('\n');
  const of = (kind: string): string[] => lines.filter((line) => line.startsWith(`${kind} `)).map((line) => line.slice(2));
  const dictionary = readDictionary(of('t'), of('d'));
  const objects = new Map(
    of('o')
      .map(readObject)
      .map((one) => [one.name, one]),
  );
  const events = new Map(
    of('c')
      .map(readClass)
      .map((one) => [one.name, one]),
  );
  const categories = new Map(
    of('g')
      .map((line) => line.split(' '))
      .map(([name = '', uid, ...caption]) => [name, { uid: Number(uid), caption: caption.join(' ') }]),
  );
  const resolved = new Map<string, OcsfShape>();
  const classes = [...events.values()]
    .filter(({ more, name }) => more?.uid !== '-' || name === 'base_event')
    .map((one) => resolveClass(one, { events, categories, dictionary }));
  return {
    version: of('v')[0] ?? '',
    classes: new Map(classes.map((one) => [one.uid, one])),
    baseOf: (type) => dictionary.types.get(type)?.base ?? type,
    object: (name) => {
      const known = resolved.get(name);
      const written = objects.get(name);
      if (known !== undefined || written === undefined) return known;
      const made = resolve(written, objects, dictionary);
      resolved.set(name, made);
      return made;
    },
  };
}

function readDictionary(types: readonly string[], attributes: readonly string[]): Dictionary {
  const typeTable = new Map(
    types.map((line) => {
      const [name = '', base = '', observable] = line.split(' ');
      return [name, { base, observable: observable === undefined ? undefined : Number(observable.slice(1)) }];
    }),
  );
  const read = (line: string): [string, Omit<OcsfAttribute, 'isRequired'>] => {
    const [name = '', spelled = '', observable] = line.split(' ');
    const [written = '', values] = spelled.split('=');
    const isList = written.endsWith('[]');
    const type = isList ? written.slice(0, -2) : written;
    const kind = observable === undefined ? typeTable.get(type)?.observable : Number(observable.slice(1));
    return [name, { type, isList, values: values === undefined ? undefined : new Set(values.split(',')), observable: kind }];
  };
  return { types: typeTable, attributes: new Map(attributes.map(read)) };
}

function readObject(line: string): Written {
  const [head = '', attributes = '', oneOf = ''] = line.split('|');
  const [name = '', parent = '', observable] = head.split(' ');
  return {
    name,
    parent,
    attributes,
    oneOf: readOneOf(oneOf),
    observable: observable === undefined ? undefined : Number(observable.slice(1)),
    more: undefined,
  };
}

function readClass(line: string): Written {
  const [head = '', activities = '', attributes = '', oneOf = ''] = line.split('|');
  const [name = '', parent = '', category = '', uid = '', ...caption] = head.split(' ');
  return {
    name,
    parent,
    attributes,
    oneOf: readOneOf(oneOf),
    observable: undefined,
    more: { category, uid, caption: caption.join(' '), activities },
  };
}

function readOneOf(text: string): string[] {
  return text.split(' ').flatMap((name) => (name === '' ? [] : [name.slice(1)]));
}

function resolveClass(
  one: Written,
  {
    events,
    categories,
    dictionary,
  }: { events: ReadonlyMap<string, Written>; categories: ReadonlyMap<string, { uid: number; caption: string }>; dictionary: Dictionary },
): OcsfClass {
  const line = lineage(one, events);
  const category = categories.get(line.map(({ more }) => more?.category ?? '-').findLast((name) => name !== '-' && name !== 'other') ?? '');
  const own = Number(one.more?.uid);
  const categoryUid = category?.uid ?? 0;
  const activities = line.flatMap(({ more }) => (more?.activities ?? '').split(';').filter((text) => text !== ''));
  return {
    ...resolve(one, events, dictionary),
    uid: Number.isNaN(own) ? 0 : own + categoryUid * 1000,
    caption: one.more?.caption ?? one.name,
    categoryUid,
    category: category?.caption ?? 'Uncategorized',
    activities: new Map(activities.map((text) => [Number(text.slice(0, text.indexOf('='))), text.slice(text.indexOf('=') + 1)])),
  };
}

/** What it extends, from the first to itself. */
function lineage(one: Written, all: ReadonlyMap<string, Written>): Written[] {
  const parent = all.get(one.parent);
  return parent === undefined || parent === one ? [one] : [...lineage(parent, all), one];
}

function resolve(one: Written, all: ReadonlyMap<string, Written>, dictionary: Dictionary): OcsfShape {
  const line = lineage(one, all);
  const attributes = new Map<string, OcsfAttribute>();
  for (const { attributes: text } of line) for (const word of text.split(' ')) if (word !== '') addAttribute(attributes, word, dictionary);
  for (const name of one.name === 'observable' ? ['type_id'] : OPEN) {
    const attribute = attributes.get(name);
    if (attribute !== undefined) attributes.set(name, { ...attribute, values: undefined });
  }
  return { name: one.name, attributes, oneOf: line.findLast(({ oneOf }) => oneOf.length > 0)?.oneOf ?? [] };
}

/** Attributes whose values follow from the class itself: what the dictionary lists is not all. */
const OPEN = ['class_uid', 'category_uid', 'activity_id', 'type_uid'];

/** `name!=1,2`: a mark that is missing leaves what is inherited, values are added. */
function addAttribute(attributes: Map<string, OcsfAttribute>, word: string, dictionary: Dictionary): void {
  const [, name = '', mark, type, values] = /^([^!?=:]+)([!?]?)(?::([a-z_]+))?(?:=(.*))?$/.exec(word) ?? [];
  const before = attributes.get(name);
  const base = before ?? { ...(dictionary.attributes.get(name) ?? UNKNOWN), isRequired: false };
  attributes.set(name, {
    ...base,
    ...(type === undefined ? {} : { type, observable: dictionary.types.get(type)?.observable ?? base.observable }),
    isRequired: mark === '' ? base.isRequired : mark === '!',
    values: values === undefined ? base.values : new Set([...(base.values ?? []), ...values.split(',')]),
  });
}

const UNKNOWN = { type: 'json_t', isList: false, values: undefined, observable: undefined };
