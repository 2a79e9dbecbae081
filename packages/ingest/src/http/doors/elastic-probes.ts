/**
 * What shippers ask an Elasticsearch before they send: who it is, its licence, its nodes, whether templates, policies and aliases are there.
 * Tocsin has none of these and answers that they are in place, so that nobody tries to set them up. Every question needs a credential.
 * Sources: Elasticsearch 8 reference; requests as Filebeat, Logstash, Fluent Bit and Vector make them.
 */
import { type Answer, jsonAnswer } from '../answer.ts';
import { tokenOfAgent } from '../credential.ts';
import type { DoorRequest, DoorRoute } from '../http-door.ts';

/** Clients of version 8 refuse a server without this header. */
export const PRODUCT: Readonly<Record<string, string>> = { 'x-elastic-product': 'Elasticsearch' };

/** The version that is spoken: agents choose by it how they ask. */
const VERSION = '8.17.0';
const CLUSTER = { cluster_name: 'tocsin', cluster_uuid: 'dG9jc2luLWV2ZW50cy0wMQ' };

const ROOT = {
  name: 'tocsin',
  ...CLUSTER,
  version: {
    number: VERSION,
    build_flavor: 'default',
    build_type: 'tar',
    lucene_version: '9.12.0',
    minimum_wire_compatibility_version: '7.17.0',
    minimum_index_compatibility_version: '7.0.0',
  },
  tagline: 'You Know, for Search',
};
const LICENSE = { license: { status: 'active', uid: 'tocsin', type: 'basic', issued_to: 'tocsin', issuer: 'tocsin', max_nodes: 1000 } };
const XPACK = {
  build: {},
  license: { uid: 'tocsin', type: 'basic', mode: 'basic', status: 'active' },
  features: {
    ilm: { available: true, enabled: true },
    security: { available: true, enabled: true },
    monitoring: { available: false, enabled: false },
  },
  tagline: 'You know, for X',
};
const HEALTH = { cluster_name: 'tocsin', status: 'green', timed_out: false, number_of_nodes: 1, number_of_data_nodes: 1, active_shards: 1 };
/** No addresses: a client that looks for other nodes keeps the one it has. */
const NODES = { _nodes: { total: 1, successful: 1, failed: 0 }, cluster_name: 'tocsin', nodes: {} };
const ACKNOWLEDGED = { acknowledged: true };

type Reply = (name: string) => unknown;
const templates: Reply = (name) => ({
  index_templates: [{ name, index_template: { index_patterns: [`${name}*`], composed_of: [], priority: 1 } }],
});
const policy: Reply = (name) => Object.fromEntries([[name, { version: 1, policy: { phases: {} } }]]);

/** Path, methods and answer. */
const PROBES: readonly (readonly [url: string, methods: readonly ('GET' | 'HEAD' | 'PUT' | 'POST')[], reply: Reply])[] = [
  ['/', ['GET', 'HEAD'], () => ROOT],
  ['/_license', ['GET'], () => LICENSE],
  ['/_xpack', ['GET'], () => XPACK],
  ['/_xpack/license', ['GET'], () => LICENSE],
  ['/_cluster/health', ['GET'], () => HEALTH],
  ['/_nodes', ['GET'], () => NODES],
  ['/_nodes/http', ['GET'], () => NODES],
  ['/_nodes/_all/http', ['GET'], () => NODES],
  ['/_nodes/ingest', ['GET'], () => NODES],
  ['/_template/:name', ['GET', 'HEAD'], () => ({})],
  ['/_template/:name', ['PUT', 'POST'], () => ACKNOWLEDGED],
  ['/_index_template/:name', ['GET', 'HEAD'], templates],
  ['/_index_template/:name', ['PUT', 'POST'], () => ACKNOWLEDGED],
  ['/_component_template/:name', ['GET', 'HEAD'], () => ({ component_templates: [] })],
  ['/_component_template/:name', ['PUT', 'POST'], () => ACKNOWLEDGED],
  ['/_ilm/policy/:name', ['GET', 'HEAD'], policy],
  ['/_ilm/policy/:name', ['PUT'], () => ACKNOWLEDGED],
  ['/_alias/:name', ['GET', 'HEAD'], () => ({})],
  ['/_data_stream/:name', ['GET', 'HEAD'], (name) => ({ data_streams: [{ name, indices: [], status: 'GREEN' }] })],
  ['/_data_stream/:name', ['PUT'], () => ACKNOWLEDGED],
  ['/_ingest/pipeline/:name', ['GET', 'HEAD'], policyOfPipeline],
  ['/_ingest/pipeline/:name', ['PUT'], () => ACKNOWLEDGED],
];

function policyOfPipeline(name: string): unknown {
  return Object.fromEntries([[name, { processors: [] }]]);
}

/** Every probe as a route. */
export const elasticProbes: readonly DoorRoute[] = PROBES.flatMap(([url, methods, reply]) =>
  methods.map((method) => ({
    method,
    url,
    schema: { summary: `Elasticsearch: ${url}, as agents ask before they ship`, tags: ['Elasticsearch'] },
    handle: (request: DoorRequest) => answer(request, reply),
  })),
);

/** Largest template or policy that is taken and put aside, bytes. */
const MAX_SETUP_BYTES = 4 * 1024 * 1024;

async function answer(request: DoorRequest, reply: Reply): Promise<Answer> {
  const guest = await request.admit(tokenOfAgent(request.headers.authorization));
  if (request.method === 'PUT' || request.method === 'POST') await guest.readBody({ maxBytes: MAX_SETUP_BYTES });
  return jsonAnswer(200, reply(request.params['name'] ?? ''), PRODUCT);
}
