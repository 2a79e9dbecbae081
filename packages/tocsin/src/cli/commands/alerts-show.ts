/** `tocsin alerts show ID`: the whole story of an alert. Its evidence is hashed again here: the server is not taken at its word. */
import { createHash } from 'node:crypto';
import type { Alert, AlertAct } from '@tocsin/core';
import { type AlertExplanation, type EvidenceRecord, printStory } from '../alerts/alert-story.ts';
import { resolveAlertId } from '../alerts/fetch-alerts.ts';
import type { ApiClient } from '../api-client.ts';
import type { Command } from '../command.ts';
import { replayedPath } from '../replays/fetch-replays.ts';

export const alertsShow: Command = {
  name: 'alerts show',
  argument: '<id>',
  summary: 'show an alert with its evidence and history (any unique beginning of the id will do)',
  options: [{ flags: '--replay <id>', about: 'one of a replay instead of a live one' }],
  examples: ['tocsin alerts show 4fd2', 'tocsin alerts show 4fd2 --json', 'tocsin alerts show 4fd2 --replay 81c0'],
  async run({ terminal, api }, [prefix = ''], options) {
    const client = await api();
    const path = await replayedPath(client, options);
    const id = await resolveAlertId(client, prefix, path);
    const { evidence, why, ...detail } = path === undefined ? await fetchLive(client, id) : await fetchReplayed(client, `${path}/${id}`);
    const checked = evidence.map((each) => ({ ...each, verified: each.verified && isProven(each) }));
    if (terminal.json) terminal.object({ ...detail, evidence: checked, why });
    else printStory(terminal, { ...detail, evidence: checked, why });
    return 0;
  },
};

interface Fetched {
  readonly alert: Alert;
  readonly history: readonly AlertAct[];
  readonly evidence: readonly EvidenceRecord[];
  readonly why: AlertExplanation;
}

async function fetchLive(client: ApiClient, id: string): Promise<Fetched> {
  const [detail, { evidence }, why] = await Promise.all([
    client.call<{ alert: Alert; history: AlertAct[] }>('GET', `/alerts/${id}`),
    client.call<{ evidence: EvidenceRecord[] }>('GET', `/alerts/${id}/evidence`),
    client.call<AlertExplanation>('GET', `/alerts/${id}/explanation`),
  ]);
  return { ...detail, evidence, why };
}

/** Nobody acts on what a replay found, and its rules are not those that explanations are made by. */
async function fetchReplayed(client: ApiClient, path: string): Promise<Fetched> {
  const found = await client.call<{ alert: Alert; evidence: EvidenceRecord[] }>('GET', path);
  return { ...found, history: [], why: { ruleSet: 'same', explanations: [] } };
}

/** Whether the record has its hash. Bytes that are no UTF-8 do not survive JSON: of those the server's word must do. */
function isProven({ record, sha256 }: EvidenceRecord): boolean {
  return record.includes('\ufffd') || createHash('sha256').update(record).digest('hex') === sha256;
}
