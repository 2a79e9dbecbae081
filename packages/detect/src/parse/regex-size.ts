/** How large an expression becomes once its repetitions are written out, which is what compiling it costs. Told from the source alone, before RE2 sees it. */

interface Group {
  size: number;
  /** Size of the last part, which a repetition behind it multiplies. */
  last: number;
}

/** Parts of an expression after its counted repetitions, nested ones multiplied. Right for what RE2 accepts, and some number for anything else. */
export function regexSize(source: string): number {
  const groups: Group[] = [{ size: 0, last: 0 }];
  for (let at = 0; at < source.length; at++) {
    const group = groups[groups.length - 1] as Group;
    const char = source[at];
    if (char === '(') {
      groups.push({ size: 1, last: 0 });
      continue;
    }
    if (char === ')' && groups.length > 1) {
      groups.pop();
      add(groups[groups.length - 1] as Group, group.size);
      continue;
    }
    const repeat = char === '{' ? /^\{([0-9]{1,4})(?:,([0-9]{0,4}))?\}/.exec(source.slice(at, at + 12)) : null;
    if (repeat !== null) {
      group.size += group.last * Math.max(0, Math.max(Number(repeat[1]), Number(repeat[2] ?? 0)) - 1);
      at += repeat[0].length - 1;
      continue;
    }
    at = endOfAtom(source, at);
    add(group, 1);
  }
  return groups.reduce((sum, { size }) => sum + size, 0);
}

function add(group: Group, size: number): void {
  group.size += size;
  group.last = size;
}

/** Last character of an escape or a class; of anything else the character itself. */
function endOfAtom(source: string, at: number): number {
  if (source[at] === '\\') return at + 1;
  if (source[at] !== '[') return at;
  let end = at + (source[at + 1] === '^' ? 2 : 1);
  if (source[end] === ']') end += 1;
  while (end < source.length && source[end] !== ']') end += source[end] === '\\' ? 2 : 1;
  return end;
}
