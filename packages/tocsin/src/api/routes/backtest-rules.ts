/** `POST /rules/backtest`: what a draft of rules would have found, as lines of JSON: how far it is, and at last the report. */
import { hashParts, isTocsinError, TocsinError } from '@tocsin/core';
import { type ReplayChoice, readReplayChoice, replayChoice } from '../replay-choice.ts';
import type { ApiCall, Route } from '../route.ts';
import { ruleFilesSchema } from '../schemas.ts';

interface NewBacktest extends ReplayChoice {
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

export const backtestRules: Route = {
  method: 'POST',
  path: '/rules/backtest',
  action: 'replays.write',
  summary: 'Try a draft of rules on stored events, beside the rules in force with the same ids',
  body: {
    type: 'object',
    additionalProperties: false,
    required: ['files'],
    properties: { ...replayChoice, files: { ...ruleFilesSchema, description: 'The draft' } },
  },
  produces: 'application/x-ndjson',
  answer: { type: 'string', description: 'Lines of `{progress}`, then one of `{report}` or `{error}`' },
  async handle(call) {
    const { files, ...choice } = call.body as NewBacktest;
    const { context, principal } = call;
    const tenant = choice.tenant ?? principal.tenant;
    const action = tenant === principal.tenant ? 'replays.write' : 'installation.write';
    const after = { ...choice, tenant, rules: files.map(({ path, text }) => ({ path, sha: hashParts([text]) })) };
    await context.privileged(principal, { action, resource: 'backtest', after }, async () => {
      const spec = { ...(await readReplayChoice(context, tenant, choice)), speed: 0, rules: 'given' as const };
      await stream(call, (signal, tell) => context.backtests.run({ spec, files, signal, onProgress: (progress) => tell({ progress }) }));
    });
  },
};

/** Writes lines as they come; whoever leaves ends the work. */
async function stream(
  { context, reply, request }: ApiCall,
  work: (signal: AbortSignal, tell: (line: object) => void) => Promise<object>,
): Promise<void> {
  const left = new AbortController();
  request.raw.socket.once('close', () => left.abort());
  if (request.raw.socket.destroyed) left.abort();
  const signal = AbortSignal.any([left.signal, context.closing]);
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store', connection: 'close' });
  raw.write('\n');
  const tell = (line: object): void => void (raw.writableNeedDrain || raw.write(`${JSON.stringify(line)}\n`));
  try {
    const report = await work(signal, tell);
    raw.write(`${JSON.stringify({ report })}\n`);
  } catch (error) {
    if (signal.aborted) return;
    const known = isTocsinError(error)
      ? error
      : new TocsinError('api.internal', { reason: 'the backtest ended by an error of its own' }, { cause: error });
    if (known !== error) request.log.error({ err: error }, 'A backtest ended by an error without a code');
    raw.write(`${JSON.stringify({ error: { code: known.code, message: known.message, retry: known.retry } })}\n`);
  } finally {
    raw.end();
  }
}
