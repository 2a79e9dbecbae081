/** An explained rule as a tree of lines: marks say what held, colours whether that spoke for the match. */
import type { ExplainedBody, ExplainedCondition, ExplainedLine, ExplainedValue } from '@tocsin/detect/explain';
import type { Style, Terminal } from '../terminal.ts';
import type { Branch } from '../tree.ts';
import { visible } from '../visible-text.ts';

/** The condition as a tree to be printed. */
export function conditionTree(terminal: Terminal, condition: ExplainedCondition): Branch {
  return branchOfCondition(condition, { terminal, wanted: true });
}

interface Pen {
  readonly terminal: Terminal;
  /** Whether what holds speaks for the match: not so under a "not". */
  readonly wanted: boolean;
}

function branchOfCondition(node: ExplainedCondition, pen: Pen): Branch {
  switch (node.kind) {
    case 'and':
      return { text: marked(node.held, 'all of these', pen), children: node.parts.map((part) => branchOfCondition(part, pen)) };
    case 'or':
      return { text: marked(node.held, 'one of these', pen), children: node.parts.map((part) => branchOfCondition(part, pen)) };
    case 'atLeast': {
      const words = node.needed === node.parts.length ? 'all of these' : `${node.needed} of these ${node.parts.length}`;
      return { text: marked(node.held, words, pen), children: node.parts.map((part) => branchOfCondition(part, pen)) };
    }
    case 'not':
      return { text: marked(node.held, 'not', pen), children: [branchOfCondition(node.part, { ...pen, wanted: !pen.wanted })] };
    default: {
      const name = pen.terminal.style('bold', visible(node.name));
      if (node.body === undefined) return { text: marked(node.held, `${name} (as above)`, pen), children: [] };
      return { text: marked(node.held, name, pen), children: childrenOfBody(node.body, pen) };
    }
  }
}

function childrenOfBody(body: ExplainedBody, pen: Pen): Branch[] {
  if (body.kind === 'line') return [branchOfLine(body, pen)];
  if (body.kind === 'all') return body.parts.flatMap((part) => childrenOfBody(part, pen));
  return body.parts.map((part, index) => {
    const text = marked(part.held, `${index === 0 ? 'either' : 'or'}`, pen);
    return part.kind === 'line' ? branchOfLine(part, pen) : { text, children: childrenOfBody(part, pen) };
  });
}

/** A line of a rule in one line of the screen where one value tells it all, else with its values below. */
function branchOfLine(line: ExplainedLine, pen: Pen): Branch {
  const key = [line.field ?? 'anywhere in the event', ...line.modifiers].map(visible).join('|');
  const from = line.path === undefined ? '' : pen.terminal.style('dim', ` (read from ${visible(line.path)})`);
  const said = sayInOneLine(line, pen);
  if (said !== undefined) return { text: marked(line.held, `${key}${from} ${said}`, pen), children: [] };
  const inner = line.negated ? { ...pen, wanted: !pen.wanted } : pen;
  const children = line.values.map((value) => ({ text: marked(value.held, sayValue(value, inner), inner), children: [] }));
  return {
    text: marked(line.held, `${key}${from} ${sayFound(line, pen)} ${pen.terminal.style('dim', sayHowMany(line))}`, pen),
    children: [...children, ...restOf(line, pen)],
  };
}

/** What is to be said where it fits on one line: a single value, one of several that held, a field that is not there. */
function sayInOneLine(line: ExplainedLine, pen: Pen): string | undefined {
  const count = line.values.length + line.untold;
  const [first] = line.values;
  if (first === undefined || line.negated) return undefined;
  if (first.held) return count === 1 || !line.all ? sayFits(line, first, pen) : undefined;
  if (line.values.every(({ miss }) => miss?.reason === 'field_missing' || miss?.reason === 'no_text')) {
    const wanted = count === 1 ? sayText(first.shown, pen) : sayHowMany(line);
    return `${wanted}${sayMiss(first, pen)}`;
  }
  if (count > 1) return undefined;
  const has = line.field === undefined ? '' : `${sayFound(line, pen)} `;
  return `${has}${pen.terminal.style('dim', 'against')} ${sayText(first.shown, pen)}${sayMiss(first, pen)}`;
}

/** The event's value and the one of the rule's that it fits. */
function sayFits(line: ExplainedLine, value: ExplainedValue, pen: Pen): string {
  const { terminal } = pen;
  const count = line.values.length + line.untold;
  const has = line.field === undefined ? sayText(value.value ?? '', pen, value.shown) : sayFound(line, pen, value);
  return `${has} ${terminal.style('dim', 'fits')} ${sayText(value.shown, pen)}${count === 1 ? '' : terminal.style('dim', ` (one of ${count})`)}`;
}

function restOf(line: ExplainedLine, { terminal }: Pen): Branch[] {
  if (line.untold === 0) return [];
  const words = line.held ? 'not needed' : 'further off';
  return [{ text: terminal.style('dim', `and ${line.untold} more, ${words}`), children: [] }];
}

function sayFound(line: ExplainedLine, pen: Pen, told?: ExplainedValue): string {
  if (line.field === undefined) return '';
  if (!line.exists) return pen.terminal.style('dim', 'is not there');
  if (told?.held === true && told.value !== undefined) return sayText(told.value, pen, told.shown);
  const [first = ''] = line.found;
  return line.found.length === 1 ? sayText(first, pen) : `[${line.found.map((text) => sayText(text, pen)).join(', ')}]`;
}

function sayHowMany(line: ExplainedLine): string {
  const count = line.values.length + line.untold;
  const amount = line.all ? `all of ${count}` : count === 1 ? 'this' : `one of ${count}`;
  return line.negated ? `must not fit ${amount}` : `must fit ${amount}`;
}

function sayValue(value: ExplainedValue, pen: Pen): string {
  if (!value.held) return `${sayText(value.shown, pen)}${sayMiss(value, pen)}`;
  if (value.value === undefined || value.value === '') return sayText(value.shown, pen);
  return `${sayText(value.shown, pen)} ${pen.terminal.style('dim', 'in')} ${sayText(value.value, pen, value.shown)}`;
}

function sayMiss({ miss }: ExplainedValue, { terminal, wanted }: Pen): string {
  return miss === undefined ? '' : `: ${terminal.style(wanted ? 'yellow' : 'dim', visible(miss.detail))}`;
}

/** Text in quotes. On a terminal long text is cut around what matters in it, or keeps its start. */
function sayText(text: string, { terminal }: Pen, around?: string): string {
  const most = terminal.interactive ? Math.max(30, Math.floor(terminal.columns / 2)) : Number.POSITIVE_INFINITY;
  const shown = visible(text.length <= most ? text : excerpt(text, around ?? '', most));
  return shown.includes("'") && !shown.includes('"') ? `"${shown}"` : `'${shown}'`;
}

function excerpt(text: string, around: string, most: number): string {
  const at = around === '' ? -1 : text.toLowerCase().indexOf(around.toLowerCase());
  if (at < 0 || at + around.length < most) return `${text.slice(0, most - 1)}…`;
  const from = Math.min(at - Math.floor((most - around.length) / 2), text.length - most + 2);
  const to = from + most - 2;
  return `…${text.slice(from, to)}${to < text.length ? '…' : ''}`;
}

function marked(held: boolean, text: string, { terminal, wanted }: Pen): string {
  const style: Style = held === wanted ? 'green' : 'red';
  return `${terminal.style(style, held ? '✓' : '✗')} ${text}`;
}
