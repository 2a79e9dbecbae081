/** `tocsin rules coverage`: what the rules cover of ATT&CK on the sources present. */
import { TocsinError } from '@tocsin/core';
import { parseRules } from '@tocsin/detect';
import type { CoveringRule } from '@tocsin/detect/explain';
import type { MappingSet } from '@tocsin/ingest';
import { type Command, type CommandContext, type GivenOptions, listOption } from '../command.ts';
import { readRuleFiles } from '../read-rule-files.ts';
import { shippedFolder } from '../shipped-folder.ts';

export const rulesCoverage: Command = {
  name: 'rules coverage',
  argument: '[path...]',
  summary: 'show the ATT&CK techniques that rules cover and could fire on the sources present',
  options: [
    {
      flags: '--sources <names...>',
      about:
        'sources that are present: mappings or their beginnings such as windows.sysmon, or all (default: what the running installation has received, else all)',
    },
    { flags: '--sub', about: 'show sub-techniques by themselves' },
    { flags: '--navigator', about: 'print a layer for the ATT&CK Navigator (JSON, format 4.5)' },
  ],
  examples: [
    'tocsin rules coverage',
    'tocsin rules coverage ./sigma/rules --sources windows.sysmon',
    'tocsin rules coverage --navigator > layer.json',
  ],
  run,
};

/** Rules to look at, and in words where the sources come from. */
interface Looked {
  readonly rules: readonly CoveringRule[];
  readonly basis: string;
}

async function run(context: CommandContext, paths: readonly string[], options: GivenOptions): Promise<number> {
  const { terminal } = context;
  const { attackCoverage, navigatorLayer } = await import('@tocsin/detect/explain');
  const given = listOption(options, 'sources');
  const looked =
    (paths.length === 0 && given.length === 0 ? await askInstallation(context) : undefined) ?? (await lookAtFiles(paths, given));
  const coverage = attackCoverage(looked.rules);
  if (options['navigator'] === true) terminal.object(navigatorLayer(coverage, 'Tocsin'));
  else if (terminal.json) terminal.object({ basis: looked.basis, ...coverage });
  else {
    const { printCoverage } = await import('../rules/print-coverage.ts');
    printCoverage(terminal, coverage, { basis: looked.basis, sub: options['sub'] === true });
  }
  return 0;
}

/** What runs on the data folder, or where `--url` says; undefined where nothing does. */
async function askInstallation(context: CommandContext): Promise<Looked | undefined> {
  const api = await context.running();
  if (api === undefined) return undefined;
  const { rules, present } = await api.call<{ rules: CoveringRule[]; present: string[] }>('GET', '/rules/coverage', {
    signal: context.interrupted,
  });
  return {
    rules,
    basis:
      present.length === 0
        ? 'the running installation, which has received no event since it started'
        : `events received by the running installation: ${sayPresent(present)}`,
  };
}

/** Mappings by the product and service they begin with, such as `windows.sysmon (14 kinds)`; one alone by its name. */
function sayPresent(present: readonly string[]): string {
  const groups = Object.groupBy(present, (mapping) => mapping.split('.').slice(0, 2).join('.'));
  return Object.entries(groups)
    .map(([group, mappings = []]) => (mappings.length === 1 ? mappings[0] : `${group} (${mappings.length} kinds)`))
    .join(', ');
}

async function lookAtFiles(paths: readonly string[], given: readonly string[]): Promise<Looked> {
  const [{ coveringRules }, { sourceFacts }, { shippedMappings }] = await Promise.all([
    import('../../rules/covering-rules.ts'),
    import('../../rules/source-facts.ts'),
    import('../rules/read-events.ts'),
  ]);
  const { rules } = parseRules(await readRuleFiles(paths.length > 0 ? paths : [shippedFolder('rules')]));
  const mappings = shippedMappings();
  const present = presentMappings(mappings, given);
  const whose = paths.length > 0 ? '' : 'the shipped rules, ';
  const basis = present === undefined ? `${whose}every source that Tocsin can read` : `${whose}sources ${given.join(', ')}`;
  return { rules: coveringRules(rules, sourceFacts(mappings), present), basis };
}

function presentMappings(mappings: MappingSet, given: readonly string[]): ReadonlySet<string> | undefined {
  const names = given.flatMap((one) => one.split(',')).filter((one) => one !== '');
  if (names.length === 0 || names.includes('all')) return undefined;
  const present = new Set<string>();
  for (const name of names) {
    const found = mappings.specs.filter(
      ({ id, product, services, categories }) =>
        id === name || id.startsWith(`${name}.`) || [product, ...services, ...categories].includes(name),
    );
    if (found.length === 0) {
      const wants = `a mapping, product, service or category such as ${mappings.specs
        .slice(0, 3)
        .map(({ id }) => id)
        .join(', ')}, windows or sysmon`;
      throw new TocsinError('cli.bad_option', { option: '--sources', given: name, wants });
    }
    for (const { id } of found) present.add(id);
  }
  return present;
}
