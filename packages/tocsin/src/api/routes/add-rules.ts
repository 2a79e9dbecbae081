/** `POST /rules`: adds rule files to the tenant's own, or with `dryRun` only says what would become of them. */
import { hashParts, type Position } from '@tocsin/core';
import type { ApiCall, Route } from '../route.ts';
import { refusedRuleSchema, ruleFilesSchema } from '../schemas.ts';

interface NewRules {
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly dryRun: boolean;
  readonly test: boolean;
}

/** How long to wait until the rules are in force, milliseconds. */
const IN_FORCE_WITHIN_MS = 10_000;

export const addRules: Route = {
  method: 'POST',
  path: '/rules',
  action: 'rules.write',
  summary: 'Check, test or add rule files',
  body: {
    type: 'object',
    additionalProperties: false,
    required: ['files'],
    properties: {
      files: ruleFilesSchema,
      dryRun: { type: 'boolean', default: false, description: 'Only say what would become of them' },
      test: { type: 'boolean', default: false, description: 'Run the tests that the rules carry' },
    },
  },
  answer: {
    type: 'object',
    required: ['accepted', 'refused', 'tests', 'inForce'],
    properties: {
      accepted: { type: 'array', items: { type: 'object', additionalProperties: true } },
      refused: { type: 'array', items: refusedRuleSchema },
      tests: { type: 'array', items: { type: 'object', additionalProperties: true } },
      inForce: { type: 'boolean', description: 'Whether the accepted rules judge events from now on' },
    },
  },
  async handle(call) {
    const { files, dryRun, test } = call.body as NewRules;
    const checked = await call.context.detect.check(files, { tenant: dryRun ? undefined : call.principal.tenant, test });
    if (dryRun || checked.accepted.length === 0) return { ...checked, inForce: false };
    // A file with a refused rule is added all the same where it has an accepted one: that rule only is left out, and shown.
    const usable = files.filter((file) => checked.accepted.some((rule) => rule.path === file.path));
    return { ...checked, inForce: await add(call, usable) };
  },
};

async function add({ context, principal }: ApiCall, files: NewRules['files']): Promise<boolean> {
  const { tenant } = principal;
  const addedMs = context.clock.nowMs();
  let last: Position | undefined;
  await context.privileged(principal, { action: 'rules.write', resource: `rules/${files.length}`, after: describe(files) }, async () => {
    for (const { path, text } of files) {
      const id = hashParts([path]);
      await context.registry.put({ tenant, kind: 'rule', id }, { path, text, addedMs });
      last = context.registry.get(tenant, 'rule', id)?.position;
    }
  });
  return last !== undefined && context.detect.reached(last, IN_FORCE_WITHIN_MS);
}

/** Files named in an audit record; of the rest the hash of all tells. */
const NAMED_FILES = 50;

function describe(files: NewRules['files']): object {
  return {
    paths: files.slice(0, NAMED_FILES).map((file) => file.path),
    sha256: hashParts(
      files.flatMap(({ path, text }) => [path, text]),
      64,
    ),
  };
}
