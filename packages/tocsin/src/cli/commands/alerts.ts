/** `tocsin alerts`: lists alerts, newest event first. */
import { printAlerts } from '../alerts/alert-tables.ts';
import { fetchAlerts, listAlerts } from '../alerts/fetch-alerts.ts';
import { SEVERITY_WORDS } from '../alerts/severity-style.ts';
import { type Command, choiceOption, numberOption, textOption } from '../command.ts';
import { replayedPath } from '../replays/fetch-replays.ts';

const STATUSES = ['new', 'acknowledged', 'resolved', 'false_positive'] as const;
const DEFAULT_LIMIT = 50;

export const alerts: Command = {
  name: 'alerts',
  summary: 'list alerts, newest event first',
  options: [
    { flags: '--status <status>', about: `only ${STATUSES.join(', ')}` },
    { flags: '--severity <least>', about: `least severity: ${SEVERITY_WORDS.join(', ')}` },
    { flags: '--rule <id>', about: 'only of the rule with this id' },
    { flags: '--replay <id>', about: 'those of a replay instead of the live ones' },
    { flags: '-n, --limit <count>', about: `most entries (default: ${DEFAULT_LIMIT})` },
  ],
  examples: ['tocsin alerts', 'tocsin alerts --status new --severity high', 'tocsin alerts show 4fd2', 'tocsin alerts -n 100000 --json'],
  async run({ terminal, api }, _, options) {
    const severity = choiceOption(severityOf(textOption(options, 'severity')), '--severity', SEVERITY_WORDS);
    const filter = {
      status: choiceOption(textOption(options, 'status'), '--status', STATUSES),
      severity: severity === undefined ? undefined : SEVERITY_WORDS.indexOf(severity),
      rule: textOption(options, 'rule'),
    };
    const limit = numberOption(options, 'limit', { min: 1, max: 1_000_000 }) ?? DEFAULT_LIMIT;
    const client = await api();
    const path = await replayedPath(client, options);
    if (terminal.json) {
      for await (const alert of fetchAlerts(client, filter, { limit, path })) terminal.object(alert);
      return 0;
    }
    const found = await listAlerts(client, filter, { limit, path });
    if (found.length === 0) terminal.hint('No alert fits. Follow new ones with: tocsin tail alerts');
    else printAlerts(terminal, found);
    if (found.length === limit)
      terminal.hint(
        `\nThese are the newest ${limit}; more with -n. One in full: ${terminal.style('bold', `tocsin alerts show ${found[0]?.id.slice(0, 8)}`)}`,
      );
    return 0;
  },
};

/** Sigma calls the lowest level `informational`. */
function severityOf(given: string | undefined): string | undefined {
  return given?.toLowerCase() === 'informational' ? 'info' : given?.toLowerCase();
}
