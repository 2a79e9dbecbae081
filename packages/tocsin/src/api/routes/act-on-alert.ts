/** `POST /alerts/:id/:act`: acknowledge, resolve, mark as false positive, reopen. Audited, compare-and-set on the alert. */
import { type Alert, type AlertAct, type AlertStatus, isTocsinError, TocsinError } from '@tocsin/core';
import { parseAlert } from '../../duties/alert-writer.ts';
import { alertSubject } from '../../subjects.ts';
import type { ApiCall, Route } from '../route.ts';
import { alertSchema } from '../schemas.ts';

const STATUS_AFTER: Readonly<Record<AlertAct['kind'], AlertStatus>> = {
  acknowledge: 'acknowledged',
  resolve: 'resolved',
  'false-positive': 'false_positive',
  reopen: 'new',
};
/** The folds may update the alert meanwhile: how often the act is tried on its newest state. */
const ATTEMPTS = 8;
/** How long to wait until the alert table shows the act, milliseconds. */
const SHOWN_WITHIN_MS = 2000;

export const actOnAlert: Route = {
  method: 'POST',
  path: '/alerts/:id/:act',
  action: 'alerts.write',
  summary: 'Acknowledge, resolve, reopen an alert, or mark it as a false positive',
  body: {
    type: 'object',
    additionalProperties: false,
    properties: { note: { type: 'string', maxLength: 2000, description: 'Why, for colleagues' } },
  },
  answer: { type: 'object', required: ['alert'], properties: { alert: alertSchema } },
  async handle(call) {
    const kind = call.params['act'] as AlertAct['kind'];
    if (!Object.hasOwn(STATUS_AFTER, kind)) {
      throw new TocsinError('api.bad_request', { reason: `an alert can be put to ${Object.keys(STATUS_AFTER).join(', ')}` });
    }
    return { alert: await act(call, kind) };
  },
};

async function act(call: ApiCall, kind: AlertAct['kind']): Promise<Alert> {
  const { context, principal, params } = call;
  const id = params['id'] ?? '';
  const before = await newest(call, id);
  const resource = `alert/${id}`;
  return context.privileged(
    principal,
    { action: 'alerts.write', resource, before: before.alert.status, after: STATUS_AFTER[kind] },
    async () => {
      let current = before;
      for (let attempt = 1; ; attempt++) {
        try {
          return await write(call, kind, current);
        } catch (error) {
          if (!isTocsinError(error, 'bus.fenced')) throw error;
          if (attempt === ATTEMPTS) throw new TocsinError('api.conflict', { what: 'alert', id }, { cause: error });
          current = await newest(call, id);
        }
      }
    },
  );
}

async function newest({ context, principal }: ApiCall, id: string): Promise<Current> {
  const stored = /^[0-9a-f]{1,64}$/.test(id) ? await context.bus.last(alertSubject(principal.tenant, id)) : undefined;
  if (!stored) throw new TocsinError('api.not_found', { what: 'alert', id });
  return { alert: parseAlert(stored), position: stored.position };
}

interface Current {
  readonly alert: Alert;
  readonly position: Awaited<ReturnType<ApiCall['context']['bus']['commit']>>[number]['position'];
}

async function write({ context, principal, body }: ApiCall, kind: AlertAct['kind'], current: Current): Promise<Alert> {
  const note = (body as { note?: string } | undefined)?.note;
  const lastAct: AlertAct = { kind, actor: principal.actor, atMs: context.clock.nowMs(), ...(note === undefined ? {} : { note }) };
  const alert: Alert = { ...current.alert, status: STATUS_AFTER[kind], lastAct };
  const subject = alertSubject(alert.tenant, alert.id);
  const [published] = await context.bus.commit([
    { subject, id: `${alert.id}.act.${context.nextId()}`, body: Buffer.from(JSON.stringify(alert)), expect: current.position },
  ]);
  if (published) await context.store.alertsReached(published.position, SHOWN_WITHIN_MS);
  return alert;
}
