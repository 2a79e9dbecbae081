/**
 * The XML of a Windows event as the object that tools make of it: `Event.System` and `Event.EventData` (Microsoft, "Event Schema").
 * Attributes are under `#attributes`, text beside them under `#text`; what stands in `UserData` is told as `EventData`, and `EventID` is
 * its number alone, with `Qualifiers` beside it.
 */
import type { Fields } from '@tocsin/core';

/** Fields of an event; undefined where the text is no XML of one. */
export function readEventXml(xml: string): Fields | undefined {
  const root = parseXml(xml);
  if (root?.name !== 'Event') return undefined;
  const part = (name: string): XmlElement | undefined => root.children.find((child) => child.name === name);
  const system = part('System');
  if (system === undefined) return undefined;
  const data = part('EventData') ?? part('UserData')?.children[0];
  return { Event: { System: systemOf(system), EventData: data === undefined ? {} : dataOf(data) } };
}

interface XmlElement {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: XmlElement[];
  text: string;
}

const MAX_DEPTH = 32;

/** One tag, with its attributes; or text up to the next. */
const TOKEN = /<(\/?)([^\s/>]+)((?:\s+[^\s=>]+=(?:"[^"]*"|'[^']*'))*)\s*(\/?)>|<\?[^>]*\?>|([^<]+)/gy;

/** The root element; undefined where the text is not well-formed. No entities but XML's own, no declarations: nothing grows. */
function parseXml(xml: string): XmlElement | undefined {
  const top: XmlElement = { name: '', attributes: {}, children: [], text: '' };
  const open = [top];
  let at = 0;
  for (const token of xml.matchAll(TOKEN)) {
    at = token.index + token[0].length;
    if (!take(token, open)) return undefined;
  }
  return at === xml.length && open.length === 1 && top.children.length === 1 ? top.children[0] : undefined;
}

function take([, close, name, attributes = '', empty, text]: RegExpMatchArray, open: XmlElement[]): boolean {
  const parent = open.at(-1);
  if (parent === undefined) return false;
  if (text !== undefined) parent.text += decodeEntities(text);
  if (name === undefined) return true;
  if (close === '/') return open.pop()?.name === name && open.length > 0;
  const element: XmlElement = { name, attributes: readAttributes(attributes), children: [], text: '' };
  parent.children.push(element);
  if (empty !== '/') open.push(element);
  return open.length <= MAX_DEPTH;
}

function readAttributes(text: string): Record<string, string> {
  const found: [string, string][] = [];
  for (const [, name, double, single] of text.matchAll(/([^\s=]+)=(?:"([^"]*)"|'([^']*)')/g)) {
    const value = double ?? single;
    // What the event does not say, its template leaves empty.
    if (name !== undefined && value !== undefined && value !== '' && !name.startsWith('xmlns')) found.push([name, decodeEntities(value)]);
  }
  return Object.fromEntries(found);
}

function decodeEntities(text: string): string {
  return text.replace(/&(#\d{1,7}|#x[0-9a-fA-F]{1,6}|lt|gt|amp|quot|apos);/g, (whole, name: string) => {
    if (!name.startsWith('#')) return NAMED[name] ?? whole;
    const code = name[1] === 'x' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function systemOf(system: XmlElement): Fields {
  const id = system.children.find((child) => child.name === 'EventID');
  if (id === undefined) return elementsOf(system);
  const qualifiers = id.attributes['Qualifiers'];
  return { ...elementsOf(system), EventID: id.text, ...(qualifiers === undefined ? {} : { Qualifiers: qualifiers }) };
}

function elementsOf(parent: XmlElement): Fields {
  return collect(parent.children.map((child) => [child.name, valueOf(child)]));
}

/** `<Data Name="x">v</Data>` is x; data without names is `Data`; any other element goes by its own name. */
function dataOf(parent: XmlElement): Fields {
  return collect(
    parent.children.map((child) => {
      const name = child.attributes['Name'];
      return child.name === 'Data' && name !== undefined ? [name, textOf(child)] : [child.name, valueOf(child)];
    }),
  );
}

function valueOf(element: XmlElement): unknown {
  const attributes = Object.keys(element.attributes).length === 0 ? undefined : element.attributes;
  if (element.children.length > 0)
    return attributes === undefined ? elementsOf(element) : { '#attributes': attributes, ...elementsOf(element) };
  if (attributes === undefined) return textOf(element);
  return element.text === '' ? { '#attributes': attributes } : { '#attributes': attributes, '#text': textOf(element) };
}

/** Text of an element as it stands, but for line ends that only lay it out. */
function textOf(element: XmlElement): string {
  return element.text.replace(/^\s*\n\s*$/, '');
}

/** Members; one name several times becomes a list. */
function collect(members: readonly (readonly [string, unknown])[]): Fields {
  const found = new Map<string, unknown>();
  for (const [name, value] of members) {
    const before = found.get(name);
    if (!found.has(name)) found.set(name, value);
    else if (Array.isArray(before)) before.push(value);
    else found.set(name, [before, value]);
  }
  return Object.fromEntries(found);
}
