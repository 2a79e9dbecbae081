/** Who counts as a reader of ALERTS on a memory bus: sinks that the settings name, wherever their filter lets them come. */
import type { CompleteBus } from '@tocsin/bus';
import { expect, it } from 'vitest';
import { openGround, PARTITIONS, roomy } from '../../test/ground.ts';
import { isFormerWebhook } from '../effects/webhook.ts';
import { alertSubject, tenantAlertsFilter } from '../subjects.ts';
import { topology } from '../topology.ts';
import { Survey, sequenceOf } from './survey.ts';

const WEBHOOKS = { pager: {}, quiet: {} };

async function alert(bus: CompleteBus, tenant: string, id: string): Promise<void> {
  await bus.commit([{ subject: alertSubject(tenant, id), id: `${tenant}.${id}`, body: Buffer.from('{}') }]);
}

it('a sink without alerts holds up nothing, one that was removed neither, and one that is behind does', async () => {
  const { bus } = await openGround();
  const groups = { 'webhook-pager': 'acme', 'webhook-quiet': 'globex', 'webhook-old': 'acme' };
  for (const [group, tenant] of Object.entries(groups)) {
    await using _ = await bus.subscribe(tenantAlertsFilter(tenant), { group, start: 'new' });
  }
  for (const id of ['a', 'b', 'c']) await alert(bus, 'acme', id);
  await using pager = await bus.subscribe(tenantAlertsFilter('acme'), { group: 'webhook-pager', start: 'new' });
  for await (const delivery of pager) {
    delivery.ack();
    break;
  }
  const survey = new Survey({
    bus,
    topology: topology(roomy),
    partitions: PARTITIONS,
    foldShards: 1,
    store: { progress: async () => ({ alerts: (await bus.info('tocsin.alerts.>')).last, live: undefined, bulk: undefined }) },
    detect: { foldedTo: async () => undefined },
    isWanted: (group) => !isFormerWebhook(group, WEBHOOKS),
  });
  const alerts = (await survey.look()).find(({ name }) => name === 'ALERTS');
  expect(sequenceOf(alerts?.last)).toBe(3);
  expect(Object.fromEntries(alerts?.readers.map(({ name, sequence }) => [name, sequence]) ?? [])).toEqual({
    store: 3,
    'webhook-pager': 1,
    'webhook-quiet': 3,
  });
});
