/** `tocsin alerts ack | resolve | false-positive | reopen ID…`: what people do to alerts. */
import type { Alert } from '@tocsin/core';
import { resolveAlertId } from '../alerts/fetch-alerts.ts';
import { type Command, textOption } from '../command.ts';
import { visible } from '../visible-text.ts';

const ACTS = [
  { word: 'ack', act: 'acknowledge', summary: 'acknowledge alerts: somebody is looking at them' },
  { word: 'resolve', act: 'resolve', summary: 'resolve alerts: nothing is left to do' },
  { word: 'false-positive', act: 'false-positive', summary: 'mark alerts as false positives' },
  { word: 'reopen', act: 'reopen', summary: 'reopen alerts' },
] as const;

/** One command per act. Ids are all looked up before anything is done. */
export const alertActs: readonly Command[] = ACTS.map(({ word, act, summary }) => ({
  name: `alerts ${word}`,
  argument: '<id...>',
  summary,
  options: [{ flags: '--note <text>', about: 'why, for colleagues' }],
  examples: [`tocsin alerts ${word} 4fd2`, `tocsin alerts ${word} 4fd2 81c0 --note "seen by the night shift"`],
  async run({ terminal, api }, prefixes, options) {
    const client = await api();
    const note = textOption(options, 'note');
    const ids = new Set<string>();
    for (const prefix of prefixes) ids.add(await resolveAlertId(client, prefix));
    for (const id of ids) {
      const { alert } = await client.call<{ alert: Alert }>('POST', `/alerts/${id}/${act}`, { body: note === undefined ? {} : { note } });
      if (terminal.json) terminal.object(alert);
      else terminal.line(`${alert.id.slice(0, 8)}  ${alert.status.replace('_', ' ')}  ${visible(alert.rule.title)}`);
    }
    return 0;
  },
}));
