/** Lines that belong to lines, drawn as a tree. */
import type { Terminal } from './terminal.ts';

/** A line and what belongs to it. `text` is printed as it is: make what comes from outside visible before. */
export interface Branch {
  readonly text: string;
  readonly children: readonly Branch[];
}

/** Prints a tree, one line each. */
export function printTree(terminal: Terminal, { text, children }: Branch, indent = ''): void {
  terminal.line(`${indent}${text}`);
  printChildren(terminal, children, indent);
}

function printChildren(terminal: Terminal, children: readonly Branch[], indent: string): void {
  children.forEach((child, index) => {
    const isLast = index === children.length - 1;
    terminal.line(`${indent}${terminal.style('dim', isLast ? '└─' : '├─')} ${child.text}`);
    printChildren(terminal, child.children, `${indent}${isLast ? '   ' : `${terminal.style('dim', '│')}  `}`);
  });
}
