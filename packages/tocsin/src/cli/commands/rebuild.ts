/** `tocsin rebuild`: the alert table and the frame catalogue anew from the log. */
import type { Command } from '../command.ts';

export const rebuild: Command = {
  name: 'rebuild',
  summary: 'build the alert table and the frame catalogue anew from the log (operators)',
  examples: ['tocsin rebuild', 'tocsin rebuild --json'],
  async run({ terminal, api, interrupted }) {
    const answer = await (await api()).call<{ rebuilt: boolean }>('POST', '/projections/rebuild', { body: {}, signal: interrupted });
    if (terminal.json) terminal.object(answer);
    else if (answer.rebuilt) terminal.line('The alert table and the frame catalogue are built anew, up to where the log stood.');
    else terminal.line('They are being built anew and have not come up to the log yet. tocsin status shows how far they are.');
    return 0;
  },
};
