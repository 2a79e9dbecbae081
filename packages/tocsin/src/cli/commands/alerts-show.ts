/** `tocsin alerts show ID`: the whole story of an alert. Its evidence is hashed again here: the server is not taken at its word. */
import { createHash } from 'node:crypto';
import type { Alert, AlertAct } from '@tocsin/core';
import { type AlertExplanation, type EvidenceRecord, printStory } from '../alerts/alert-story.ts';
import { resolveAlertId } from '../alerts/fetch-alerts.ts';
import type { Command } from '../command.ts';

export const alertsShow: Command = {
  name: 'alerts show',
  argument: '<id>',
  summary: 'show an alert with its evidence and history (any unique beginning of the id will do)',
  examples: ['tocsin alerts show 4fd2', 'tocsin alerts show 4fd2 --json'],
  async run({ terminal, api }, [prefix = '']) {
    const client = await api();
    const id = await resolveAlertId(client, prefix);
    const [detail, { evidence }, why] = await Promise.all([
      client.call<{ alert: Alert; history: AlertAct[] }>('GET', `/alerts/${id}`),
      client.call<{ evidence: EvidenceRecord[] }>('GET', `/alerts/${id}/evidence`),
      client.call<AlertExplanation>('GET', `/alerts/${id}/explanation`),
    ]);
    const checked = evidence.map((each) => ({ ...each, verified: each.verified && isProven(each) }));
    if (terminal.json) terminal.object({ ...detail, evidence: checked, why });
    else printStory(terminal, { ...detail, evidence: checked, why });
    return 0;
  },
};

/** Whether the record has its hash. Bytes that are no UTF-8 do not survive JSON: of those the server's word must do. */
function isProven({ record, sha256 }: EvidenceRecord): boolean {
  return record.includes('\ufffd') || createHash('sha256').update(record).digest('hex') === sha256;
}
