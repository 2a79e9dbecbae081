/**
 * All commands, by their first word. Adding one is a file in `commands/` and a row here. What is typed loads the commands of its word alone:
 * a question to a running installation must not wait for rules and decoders to be loaded.
 */
import type { Command } from './command.ts';

/** The commands of one first word, in the order of help. */
type Load = () => Promise<readonly Command[]>;

const families: Readonly<Record<string, Load>> = {
  up: async () => [(await import('./commands/up.ts')).up],
  start: async () => [(await import('./commands/start.ts')).start],
  status: async () => [(await import('./commands/status.ts')).status],
  doctor: async () => [(await import('./commands/doctor.ts')).doctor],
  hunt: async () => [(await import('./commands/hunt.ts')).hunt],
  parse: async () => [(await import('./commands/parse.ts')).parse],
  publish: async () => [(await import('./commands/publish.ts')).publish],
  import: async () => [(await import('./commands/import.ts')).importFiles],
  forward: loadForward,
  tail: async () => [(await import('./commands/tail.ts')).tail],
  alerts: loadAlerts,
  rules: loadRules,
  coverage: async () => [(await import('./commands/coverage.ts')).coverage],
  'catch-up': loadCatchUp,
  sources: loadSources,
  people: loadPeople,
  schemas: loadSchemas,
  quotas: loadQuotas,
  plans: loadPlans,
  'dead-letters': loadDeadLetters,
  replay: loadReplay,
  rebuild: async () => [(await import('./commands/rebuild.ts')).rebuild],
  audit: async () => [(await import('./commands/audit.ts')).audit],
  config: loadConfig,
};

/** The commands that begin with a word; every command, in the order of help, where none does. */
export async function loadCommands(word: string | undefined): Promise<readonly Command[]> {
  const load = word !== undefined && Object.hasOwn(families, word) ? families[word] : undefined;
  if (load !== undefined) return await load();
  return (await Promise.all(Object.values(families).map((each) => each()))).flat();
}

async function loadForward(): Promise<Command[]> {
  const { forward, forwardStatus } = await import('./commands/forward.ts');
  return [forward, forwardStatus];
}

async function loadAlerts(): Promise<Command[]> {
  const { alerts } = await import('./commands/alerts.ts');
  const { alertsShow } = await import('./commands/alerts-show.ts');
  const { alertActs } = await import('./commands/alerts-act.ts');
  return [alerts, listing(alerts), alertsShow, ...alertActs];
}

async function loadRules(): Promise<Command[]> {
  const { rules } = await import('./commands/rules.ts');
  const { rulesExplain } = await import('./commands/rules-explain.ts');
  const { rulesCheck } = await import('./commands/rules-check.ts');
  const { rulesTest } = await import('./commands/rules-test.ts');
  const { rulesBacktest } = await import('./commands/rules-backtest.ts');
  const { rulesCoverage } = await import('./commands/rules-coverage.ts');
  const { rulesCost } = await import('./commands/rules-cost.ts');
  const { rulesQuarantine, rulesRelease } = await import('./commands/rules-quarantine.ts');
  const { rulesAdd } = await import('./commands/rules-add.ts');
  const asked = [rulesExplain, rulesCheck, rulesTest, rulesBacktest, rulesCoverage, rulesCost];
  return [rules, listing(rules), ...asked, rulesQuarantine, rulesRelease, rulesAdd];
}

async function loadCatchUp(): Promise<Command[]> {
  const { catchUp, catchUpList } = await import('./commands/catch-up.ts');
  return [catchUp, catchUpList];
}

async function loadSources(): Promise<Command[]> {
  const { sources, sourcesAdd, sourcesRevoke } = await import('./commands/sources.ts');
  const { sourcesShow } = await import('./commands/sources-show.ts');
  const { sourcesRotate, sourcesSet } = await import('./commands/sources-change.ts');
  const { sourcesGuess } = await import('./commands/sources-guess.ts');
  return [sources, listing(sources), sourcesAdd, sourcesShow, sourcesSet, sourcesRotate, sourcesRevoke, sourcesGuess];
}

async function loadPeople(): Promise<Command[]> {
  const { people, peopleAdd, peopleRevoke } = await import('./commands/people.ts');
  return [people, listing(people), peopleAdd, peopleRevoke];
}

async function loadSchemas(): Promise<Command[]> {
  const { schemas, schemasShow } = await import('./commands/schemas.ts');
  return [schemas, listing(schemas), schemasShow];
}

async function loadQuotas(): Promise<Command[]> {
  const { quotas, quotasSet } = await import('./commands/quotas.ts');
  return [quotas, quotasSet];
}

async function loadPlans(): Promise<Command[]> {
  const { plans, plansAdd, plansCancel } = await import('./commands/plans.ts');
  return [plans, listing(plans), plansAdd, plansCancel];
}

async function loadDeadLetters(): Promise<Command[]> {
  const { deadLetters, deadLettersShow } = await import('./commands/dead-letters.ts');
  const { deadLettersDiscard, deadLettersEdit, deadLettersRedrive } = await import('./commands/dead-letters-act.ts');
  return [deadLetters, listing(deadLetters), deadLettersShow, deadLettersEdit, deadLettersRedrive, deadLettersDiscard];
}

async function loadReplay(): Promise<Command[]> {
  const { replay, replayShow } = await import('./commands/replay.ts');
  const { replayRemove, replayResume, replayStart, replayStop } = await import('./commands/replay-act.ts');
  return [replay, listing(replay), replayStart, replayShow, replayStop, replayResume, replayRemove];
}

async function loadConfig(): Promise<Command[]> {
  const { config, configCheck, configExplain, configShow } = await import('./commands/config.ts');
  return [config, configShow, configCheck, configExplain];
}

/** The same under the name that people type who name what they want to see. */
function listing(command: Command): Command {
  return { ...command, name: `${command.name} list` };
}
