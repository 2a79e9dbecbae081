/** `tocsin rules quarantine | release`: puts a rule aside, or back in force. */
import { type Command, type CommandContext, textOption } from '../command.ts';
import { visible } from '../visible-text.ts';

/** Exit code of sysexits.h: stored and not yet in force. */
const EXIT_TRY_LATER = 75;

/** `tocsin rules quarantine RULE`. */
export const rulesQuarantine: Command = {
  name: 'rules quarantine',
  argument: '<id>',
  summary: 'put a rule aside: it stays loaded and listed, and judges no event until it is released',
  options: [{ flags: '--reason <text>', about: 'why, for those who find it aside' }],
  examples: ['tocsin rules quarantine 3f0e4a52-6f0f-4f4e-9d77-0c7b1f6c1a01 --reason "floods us until the filter is in"'],
  run: (context, [rule = ''], options) => put(context, { rule, quarantined: true, reason: textOption(options, 'reason') }),
};

/** `tocsin rules release RULE`. */
export const rulesRelease: Command = {
  name: 'rules release',
  argument: '<id>',
  summary: 'put a rule back in force that is in quarantine',
  examples: ['tocsin rules release 3f0e4a52-6f0f-4f4e-9d77-0c7b1f6c1a01'],
  run: (context, [rule = '']) => put(context, { rule, quarantined: false }),
};

async function put(
  { terminal, api, interrupted }: CommandContext,
  body: { rule: string; quarantined: boolean; reason?: string | undefined },
): Promise<number> {
  const answer = await (await api()).call<{ rule: string; quarantined: boolean; inForce: boolean }>('POST', '/rules/quarantine', {
    body,
    signal: interrupted,
  });
  if (terminal.json) terminal.object(answer);
  else {
    const state = answer.quarantined
      ? `is in quarantine: it judges no event. Put it back with: ${terminal.typed(`tocsin rules release ${answer.rule}`)}`
      : 'is released: it judges events again.';
    terminal.line(`Rule ${visible(answer.rule)} ${visible(state)}${answer.inForce ? '' : ' (stored, not yet in force)'}`);
  }
  return answer.inForce ? 0 : EXIT_TRY_LATER;
}
