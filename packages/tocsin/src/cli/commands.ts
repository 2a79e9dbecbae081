/** All commands. Adding one is a file in `commands/` and a row here. What a command needs beyond terminal and API it loads when it runs. */
import type { Command } from './command.ts';
import { alerts } from './commands/alerts.ts';
import { alertActs } from './commands/alerts-act.ts';
import { alertsShow } from './commands/alerts-show.ts';
import { audit } from './commands/audit.ts';
import { config, configCheck, configExplain, configShow } from './commands/config.ts';
import { deadLetters, deadLettersShow } from './commands/dead-letters.ts';
import { deadLettersDiscard, deadLettersEdit, deadLettersRedrive } from './commands/dead-letters-act.ts';
import { doctor } from './commands/doctor.ts';
import { hunt } from './commands/hunt.ts';
import { importFiles } from './commands/import.ts';
import { parse } from './commands/parse.ts';
import { publish } from './commands/publish.ts';
import { quotas, quotasSet } from './commands/quotas.ts';
import { rules } from './commands/rules.ts';
import { rulesAdd } from './commands/rules-add.ts';
import { rulesCheck } from './commands/rules-check.ts';
import { rulesCost } from './commands/rules-cost.ts';
import { rulesCoverage } from './commands/rules-coverage.ts';
import { rulesExplain } from './commands/rules-explain.ts';
import { rulesQuarantine, rulesRelease } from './commands/rules-quarantine.ts';
import { rulesTest } from './commands/rules-test.ts';
import { sources, sourcesAdd, sourcesRevoke } from './commands/sources.ts';
import { sourcesGuess } from './commands/sources-guess.ts';
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
  rulesCoverage,
  rulesCost,
  rulesQuarantine,
  rulesRelease,
  rulesAdd,
  sources,
  { ...sources, name: 'sources list' },
  sourcesAdd,
  sourcesRevoke,
  quotas,
  quotasSet,
  sourcesGuess,
  deadLetters,
  { ...deadLetters, name: 'dead-letters list' },
  deadLettersShow,
  deadLettersEdit,
  deadLettersRedrive,
  deadLettersDiscard,
  audit,
  config,
  configShow,
  configCheck,
  configExplain,
];
