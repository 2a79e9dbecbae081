/** The modifiers of Sigma 2.1 (appendix "Sigma Modifiers") and which group each belongs to; at most one of a group stands in a line. */

/** Groups of modifiers. `flag` modifiers go with every group, `regexFlag` only with `re`, `encoding` only with text. */
export type ModifierGroup = 'flag' | 'side' | 'encoding' | 'text' | 'regex' | 'regexFlag' | 'compare' | 'time' | 'cidr' | 'exists' | 'fieldref';

export const modifierGroups: ReadonlyMap<string, ModifierGroup> = new Map([
  ['all', 'flag'],
  ['neq', 'flag'],
  ['cased', 'text'],
  ['windash', 'encoding'],
  ['expand', 'encoding'],
  ['base64', 'encoding'],
  ['base64offset', 'encoding'],
  ['utf16', 'encoding'],
  ['utf16le', 'encoding'],
  ['utf16be', 'encoding'],
  ['wide', 'encoding'],
  ['contains', 'side'],
  ['startswith', 'side'],
  ['endswith', 'side'],
  ['re', 'regex'],
  ['i', 'regexFlag'],
  ['m', 'regexFlag'],
  ['s', 'regexFlag'],
  ['lt', 'compare'],
  ['lte', 'compare'],
  ['gt', 'compare'],
  ['gte', 'compare'],
  ['minute', 'time'],
  ['hour', 'time'],
  ['day', 'time'],
  ['week', 'time'],
  ['month', 'time'],
  ['year', 'time'],
  ['cidr', 'cidr'],
  ['exists', 'exists'],
  ['fieldref', 'fieldref'],
]);

/** What a line is about, by the group that decides it, and which other groups may stand beside it. */
export const groupCompany: ReadonlyMap<ModifierGroup, readonly ModifierGroup[]> = new Map([
  ['regex', ['flag', 'regexFlag', 'text']],
  ['time', ['flag', 'compare']],
  ['compare', ['flag']],
  ['cidr', ['flag']],
  ['exists', ['flag']],
  ['fieldref', ['flag', 'side', 'text']],
]);
