/**
 * Files that were parsed before, so that a set in which one of thousands changed is not read anew. Only what hangs on nothing but its own
 * text is remembered: files whose documents are all plain rules, read where no filter and no placeholder was given.
 */
import type { ParsedRules } from './parse-rules.ts';
import type { DetectionRule, ParsedRule } from './parsed-rule.ts';
import { type RuleDocument, splitDocuments } from './read-documents.ts';
import type { LocatedDocument } from './refuse-rule.ts';
import type { LocatedRule } from './resolve-references.ts';
import { canonicalJson } from './rule-metadata.ts';

/** A rule file as read by the caller; `path` is only shown. */
export interface RuleFile {
  readonly path: string;
  readonly text: string;
}

/** A remembered document: its rules stand for its value. */
export interface KnownDocument extends LocatedDocument {
  readonly known: readonly DetectionRule[];
}

/** Whether a document is a remembered one. */
export function isKnown(located: LocatedDocument): located is KnownDocument {
  return 'known' in located;
}

/** What stands around rules where neither filters nor placeholders are given. */
const AROUND_NOTHING = aroundRules([], []);

/** What rules hang on beside their own text: versions of filters, and values of placeholders. */
export function aroundRules(filters: readonly string[], placeholders: Iterable<unknown>): string {
  return canonicalJson([filters, [...placeholders]]);
}

interface KnownFile {
  readonly text: string;
  readonly documents: readonly KnownDocument[];
}

/** A set of files and what it came to. */
export interface ParsedSet {
  readonly files: readonly RuleFile[];
  readonly parsed: ParsedRules;
}

/** What was read of the files of a set. The next set is read with it, and leaves its own in its place. */
export class ParseMemo {
  #files: ReadonlyMap<string, KnownFile> = new Map();
  #around: string | undefined;
  #before: ParsedSet | undefined;

  /**
   * What is known of a set that was read by another: as much as if its files had been read, where no filter and no placeholder is given, else the
   * set alone. The set must be what `parseRules` makes of the files, without placeholders of the caller's.
   */
  static of(set: ParsedSet): ParseMemo {
    const memo = new ParseMemo();
    memo.#before = set;
    const { filters, placeholders } = set.parsed;
    if (filters.length + placeholders.length > 0) return memo;
    memo.#files = filesOf(set);
    memo.#around = AROUND_NOTHING;
    return memo;
  }

  /** Another memo of the same files. */
  copy(): ParseMemo {
    const copy = new ParseMemo();
    copy.#files = this.#files;
    copy.#around = this.#around;
    copy.#before = this.#before;
    return copy;
  }

  /** The set that was read last; undefined where there is none, or the next one cannot be told from it. */
  get before(): ParsedSet | undefined {
    return this.#before;
  }

  /** Remembers what a set came to as a whole. */
  keep(set: ParsedSet): void {
    this.#before = set;
  }

  /** The documents of a file; undefined where it is not known with this text. */
  documentsOf(file: RuleFile): readonly KnownDocument[] | undefined {
    const known = this.#files.get(file.path);
    return known !== undefined && known.text === file.text ? known.documents : undefined;
  }

  /** Whether what is known was read among the same filters and placeholders; if not, it is forgotten. */
  isOf(around: string): boolean {
    const isSame = this.#files.size === 0 || this.#around === around;
    this.#around = around;
    if (!isSame) this.#files = new Map();
    return isSame;
  }

  /** Remembers the files of a set that was read: those whose documents are all plain rules and were accepted. */
  turn(files: readonly RuleFile[], documents: readonly LocatedDocument[], accepted: readonly LocatedRule[]): void {
    const before = this.#files;
    const next = new Map<string, KnownFile>();
    const paths = new Set<string>();
    const fresh = freshFiles(documents, accepted);
    for (const file of files) {
      const known = before.get(file.path);
      const own = known !== undefined && known.text === file.text ? known : fresh.get(file.path);
      // Two files under one path could not be told apart.
      if (own === undefined || paths.has(file.path)) next.delete(file.path);
      else next.set(file.path, own);
      paths.add(file.path);
    }
    this.#files = next;
  }
}

/** What newly read files came to, by path; those that are not plain are left out. */
function freshFiles(documents: readonly LocatedDocument[], accepted: readonly LocatedRule[]): Map<string, KnownFile> {
  const fresh = documents.filter((located) => !isKnown(located));
  const rules = Map.groupBy(accepted, ({ document }) => document);
  const files = new Map<string, KnownFile>();
  for (const [file, own] of Map.groupBy(fresh, (located) => located.file as RuleFile)) {
    const known = own.map(({ document }) =>
      knownDocument(
        file,
        document.line,
        (rules.get(document) ?? []).map(({ rule }) => rule),
      ),
    );
    if (known.every((one) => one !== undefined)) files.set(file.path, { text: file.text, documents: known });
  }
  return files;
}

/** Files of a set of which nothing was refused and whose documents are one plain rule each. */
function filesOf({ files, parsed }: ParsedSet): Map<string, KnownFile> {
  const rules = Map.groupBy(parsed.rules, ({ location }) => location.path);
  const unclear = new Set(parsed.refused.map(({ path }) => path));
  const known = new Map<string, KnownFile>();
  const paths = new Set<string>();
  for (const file of files) {
    const own = unclear.has(file.path) || paths.has(file.path) ? undefined : knownDocuments(file, rules.get(file.path) ?? []);
    if (own === undefined) known.delete(file.path);
    else known.set(file.path, { text: file.text, documents: own });
    paths.add(file.path);
  }
  return known;
}

function knownDocuments(file: RuleFile, rules: readonly ParsedRule[]): readonly KnownDocument[] | undefined {
  const byLine = Map.groupBy(rules, ({ location }) => location.line);
  const documents = [...byLine].map(([line, own]) => knownDocument(file, line, own));
  return documents.length > 0 && documents.every((one) => one !== undefined) ? documents : undefined;
}

/** A document that is one plain rule; undefined where it is anything else. */
function knownDocument({ path, text }: RuleFile, line: number, rules: readonly ParsedRule[]): KnownDocument | undefined {
  const known = rules.filter((rule) => rule.kind === 'detection');
  if (rules.length !== 1 || known.length !== 1) return undefined;
  return { file: { path }, document: documentAt(text, line), value: known, known };
}

/** A document whose text is looked up only where something of it is to be refused. */
function documentAt(text: string, line: number): RuleDocument {
  return {
    line,
    get text() {
      return splitDocuments(text).find((document) => document.line === line)?.text ?? '';
    },
  };
}
