/** All commands. Adding one is a file in `commands/` and a row here. What a command needs beyond terminal and API it loads when it runs. */
import type { Command } from './command.ts';
import { alerts } from './commands/alerts.ts';
import { alertActs } from './commands/alerts-act.ts';
import { alertsShow } from './commands/alerts-show.ts';
import { audit } from './commands/audit.ts';
import { catchUp, catchUpList } from './commands/catch-up.ts';
import { config, configCheck, configExplain, configShow } from './commands/config.ts';
import { coverage } from './commands/coverage.ts';
import { deadLetters, deadLettersShow } from './commands/dead-letters.ts';
import { deadLettersDiscard, deadLettersEdit, deadLettersRedrive } from './commands/dead-letters-act.ts';
import { doctor } from './commands/doctor.ts';
import { forward, forwardStatus } from './commands/forward.ts';
import { hunt } from './commands/hunt.ts';
import { importFiles } from './commands/import.ts';
import { parse } from './commands/parse.ts';
import { publish } from './commands/publish.ts';
import { quotas, quotasSet } from './commands/quotas.ts';
import { rebuild } from './commands/rebuild.ts';
import { replay, replayShow } from './commands/replay.ts';
import { replayRemove, replayResume, replayStart, replayStop } from './commands/replay-act.ts';
import { rules } from './commands/rules.ts';
import { rulesAdd } from './commands/rules-add.ts';
import { rulesBacktest } from './commands/rules-backtest.ts';
import { rulesCheck } from './commands/rules-check.ts';
import { rulesCost } from './commands/rules-cost.ts';
import { rulesCoverage } from './commands/rules-coverage.ts';
import { rulesExplain } from './commands/rules-explain.ts';
import { rulesQuarantine, rulesRelease } from './commands/rules-quarantine.ts';
import { rulesTest } from './commands/rules-test.ts';
import { schemas, schemasShow } from './commands/schemas.ts';
import { sources, sourcesAdd, sourcesRevoke } from './commands/sources.ts';
import { sourcesRotate, sourcesSet } from './commands/sources-change.ts';
import { sourcesGuess } from './commands/sources-guess.ts';
import { sourcesShow } from './commands/sources-show.ts';
import { start } from './commands/start.ts';
import { status } from './commands/status.ts';
import { tail } from './commands/tail.ts';
import { up } from './commands/up.ts';

/** Every command, in the order of help. */
export const commands: readonly Command[] = [
  up,
  start,
  status,
  doctor,
  hunt,
  parse,
  publish,
  importFiles,
  forward,
  forwardStatus,
  tail,
  alerts,
  { ...alerts, name: 'alerts list' },
  alertsShow,
  ...alertActs,
  rules,
  { ...rules, name: 'rules list' },
  rulesExplain,
  rulesCheck,
  rulesTest,
  rulesBacktest,
  rulesCoverage,
  rulesCost,
  rulesQuarantine,
  rulesRelease,
  rulesAdd,
  coverage,
  catchUp,
  catchUpList,
  sources,
  { ...sources, name: 'sources list' },
  sourcesAdd,
  sourcesShow,
  sourcesSet,
  sourcesRotate,
  sourcesRevoke,
  schemas,
  { ...schemas, name: 'schemas list' },
  schemasShow,
  quotas,
  quotasSet,
  sourcesGuess,
  deadLetters,
  { ...deadLetters, name: 'dead-letters list' },
  deadLettersShow,
  deadLettersEdit,
  deadLettersRedrive,
  deadLettersDiscard,
  replay,
  { ...replay, name: 'replay list' },
  replayStart,
  replayShow,
  replayStop,
  replayResume,
  replayRemove,
  rebuild,
  audit,
  config,
  configShow,
  configCheck,
  configExplain,
];
