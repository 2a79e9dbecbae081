/** The people's side of rules through the built program: explain, check, test, coverage and cost, with and without an installation. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtProgram } from '../faults/tocsin-process.ts';
import { missingNatsServer } from '../nats-server-found.ts';
import { Program } from './program.ts';

const RULE = `title: Account made with net
id: 0c1a6c2e-0000-4000-8000-000000000001
tags: [attack.t1136.001]
logsource: { product: windows, category: process_creation }
detection:
  selection: { Image|endswith: '\\net.exe', CommandLine|contains|all: [' user ', '/add'] }
  filter: { User: SYSTEM }
  condition: selection and not filter
tests:
  - { event: { Image: 'C:\\net.exe', CommandLine: 'net user x /add' }, expect: match }
`;
const SILENT = `title: Never
id: 0c1a6c2e-0000-4000-8000-000000000002
tags: [attack.t1078]
logsource: { product: windows, service: sysmon, category: process_creation }
detection: { s: { Image: a, EventID: 4625 }, condition: s }
`;
const event = (image: string, commandLine: string): object => ({
  Channel: 'Microsoft-Windows-Sysmon/Operational',
  EventID: 1,
  Image: image,
  CommandLine: commandLine,
});

const missing = missingNatsServer();
let folder = '';
const at = (name: string): string => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tocsin-rules-'));
  writeFileSync(at('rule.yml'), RULE);
  writeFileSync(at('silent.yml'), SILENT);
  writeFileSync(
    at('events.ndjson'),
    [event('C:\\cmd.exe', 'x'), event('C:\\net.exe', 'net user eve /add')].map((one) => `${JSON.stringify(one)}\n`).join(''),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...args: string[]): Promise<Ran> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [builtProgram, ...args], {
      cwd: folder,
      env: { ...process.env, TOCSIN_DATA: at('nothing-runs-here') },
      maxBuffer: 64 << 20,
    });
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

describe('without an installation', () => {
  it('explains a match and a near miss, as text and as data', async () => {
    const match = await run('rules', 'explain', 'rule.yml', 'events.ndjson');
    expect([match.code, match.err]).toEqual([0, '']);
    expect(match.out).toContain('events.ndjson:2, read as windows.sysmon.process_creation (1 event of 2 match; this is the first)');
    expect(match.out).toContain("✓ Image|endswith 'C:\\net.exe' fits '\\net.exe'");
    expect(match.out).not.toContain('\u001b');
    const miss = await run('rules', 'explain', 'rule.yml', JSON.stringify(event('C:\\net.exe ', 'net user')), '--json');
    expect(miss.code).toBe(1);
    const [told] = (JSON.parse(miss.out) as { explanations: { matched: boolean; routing: { held: boolean } }[] }).explanations;
    expect(told).toMatchObject({ matched: false, routing: { held: true }, condition: { kind: 'and', held: false } });
    expect(miss.out).toContain('white space at an end');
  });

  it('says what keeps a rule from being asked, and takes a mapping by name', async () => {
    const elsewhere = await run('rules', 'explain', 'rule.yml', '{"a":1}');
    expect(elsewhere.out).toMatch(/asked {3}✗ the rule wants product windows and this event is json/);
    const forced = await run(
      'rules',
      'explain',
      'rule.yml',
      '{"NewProcessName":"C:\\\\net.exe","CommandLine":"net user x /add"}',
      '--mapping',
      'windows.security.process_creation',
    );
    expect(forced.code).toBe(0);
    expect(forced.out).toContain('(read from NewProcessName)');
    expect(await run('rules', 'explain', 'rule.yml', '{"a":1}', '--mapping', 'windows.nothing')).toMatchObject({ code: 64 });
    expect(await run('rules', 'explain', 'No such rule', '{"a":1}')).toMatchObject({
      code: 66,
      err: expect.stringContaining('[cli.no_rule]') as string,
    });
  });

  it('finds a shipped rule by id or title', async () => {
    const found = await run(
      'rules',
      'explain',
      'Regsvr32 fetches a scriptlet from a URL',
      JSON.stringify(event('C:\\regsvr32.exe', 'regsvr32 /i:http://x')),
    );
    expect(found).toMatchObject({ code: 0, err: '' });
  });

  it('checks rules: what feeds them, and why they could never fire', async () => {
    const good = await run('rules', 'check', 'rule.yml');
    expect(good.code).toBe(0);
    expect(good.out).toMatch(/fed by {2}.*windows\.security\.process_creation, windows\.sysmon\.process_creation/);
    const silent = await run('rules', 'check', 'silent.yml', '--json');
    expect(silent.code).toBe(0);
    expect(JSON.parse(silent.out)).toMatchObject({
      rules: [{ canFire: false, never: [{ code: 'no_fitting_source' }] }],
      summary: { neverFire: 1 },
    });
    expect((await run('rules', 'check', 'silent.yml', '--strict')).code).toBe(65);
    writeFileSync(at('refused.yml'), RULE.replace('endswith', 'endwith'));
    const refused = await run('rules', 'check', 'rule.yml', 'refused.yml');
    expect(refused).toMatchObject({ code: 65, err: expect.stringContaining('refused.yml:6:16') as string });
    const seen = await run('rules', 'check', 'rule.yml', '--events', 'events.ndjson');
    expect(seen.out).toContain('Image, CommandLine (seen in events)');
  });

  it('runs the tests of rules and regression folders', async () => {
    expect(await run('rules', 'test', 'rule.yml')).toMatchObject({ code: 0, out: '1 of 1 tests passed\n' });
    writeFileSync(at('failing.yml'), RULE.replace('expect: match', 'expect: no_match'));
    expect(await run('rules', 'test', 'failing.yml')).toMatchObject({
      code: 65,
      out: expect.stringContaining('expected no match, got match') as string,
    });
    const place = at('regression/rules/windows/one');
    mkdirSync(place, { recursive: true });
    const info = (count: number): string =>
      `rule_metadata: [{ id: 0c1a6c2e-0000-4000-8000-000000000001, title: t }]\nregression_tests_info:\n  - { name: Positive, type: evtx, match_count: ${count}, path: regression/rules/windows/one/x.evtx }\n`;
    writeFileSync(join(place, 'info.yml'), info(1));
    writeFileSync(join(place, 'x.json'), JSON.stringify(event('C:\\net.exe', 'net user eve /add'), null, 2));
    expect(await run('rules', 'test', 'rule.yml', '--regression', 'regression')).toMatchObject({
      code: 0,
      out: '1 of 1 recordings matched as expected\n',
    });
    writeFileSync(join(place, 'info.yml'), info(2));
    expect(await run('rules', 'test', 'rule.yml', '--regression', 'regression')).toMatchObject({
      code: 65,
      out: expect.stringContaining('1 of 1 events match, at least 2 must') as string,
    });
    expect(await run('rules', 'test', 'silent.yml', '--regression', 'regression')).toMatchObject({
      code: 65,
      err: expect.stringContaining('no rule of this id was given') as string,
    });
  });

  it('shows coverage on the sources named, and as a layer of the Navigator', async () => {
    const all = JSON.parse((await run('rules', 'coverage', 'rule.yml', 'silent.yml', '--json')).out) as { firing: number; rules: number };
    expect(all).toMatchObject({ rules: 2, firing: 1 });
    expect(JSON.parse((await run('rules', 'coverage', 'rule.yml', '--sources', 'zeek', '--json')).out)).toMatchObject({
      rules: 1,
      firing: 0,
    });
    const layer = JSON.parse((await run('rules', 'coverage', 'rule.yml', 'silent.yml', '--navigator')).out) as {
      techniques: { techniqueID: string; score?: number }[];
    };
    expect(layer).toMatchObject({ versions: { layer: '4.5' }, domain: 'enterprise-attack' });
    expect(layer.techniques).toEqual([
      { techniqueID: 'T1078', score: 0, color: '#c8c8c8', comment: 'cannot fire: Never' },
      { techniqueID: 'T1136', showSubtechniques: true },
      { techniqueID: 'T1136.001', score: 1, comment: 'Account made with net' },
    ]);
  });

  it('shows what rules cost over events', async () => {
    const { out, code } = await run('rules', 'cost', 'events.ndjson', '--rules', 'rule.yml', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ events: 2, rules: 1, costs: [{ matches: 1 }] });
  });
});

describe('with an installation', () => {
  it('shows cost and coverage of what came in, puts a rule aside and back, and says so everywhere', async (context) => {
    if (missing !== undefined) context.skip(missing);
    await using program = await Program.start({ rules: { 'rule.yml': RULE, 'silent.yml': SILENT } });
    const token = await program.addSource('edr', 'auto');
    const send = async (id: string): Promise<void> => {
      await program.post(token, JSON.stringify({ ...event('C:\\net.exe', `net user ${id} /add`), Hostname: id }));
      await program.settle();
    };
    await send('one');
    const cost = JSON.parse(await program.commandLine('rules', 'cost', '--json')) as { rules: { ruleId: string; matches: number }[] };
    expect(cost.rules.find(({ matches }) => matches === 1)?.ruleId).toBe('0c1a6c2e-0000-4000-8000-000000000001');
    const checked = JSON.parse(await program.commandLine('rules', 'check', at('rule.yml'), '--json')) as {
      rules: { sources: { fields: object }[] }[];
    };
    expect(checked.rules[0]?.sources.map(({ fields }) => fields)).toContainEqual({ Image: 'seen', CommandLine: 'seen', User: 'mapped' });
    const [alert] = await program.alerts();
    const story = await program.commandLine('alerts', 'show', alert?.id ?? '');
    expect(story).toContain("✓ Image|endswith 'C:\\net.exe' fits '\\net.exe'");
    const coverage = JSON.parse(await program.commandLine('rules', 'coverage', '--json')) as { firing: number; basis: string };
    expect(coverage).toMatchObject({ firing: 1, basis: expect.stringContaining('windows.sysmon.process_creation') as string });
    expect(await program.commandLine('rules', 'quarantine', '0c1a6c2e-0000-4000-8000-000000000001', '--reason', 'too loud')).toContain(
      'is in quarantine',
    );
    await send('two');
    expect(await program.alerts()).toHaveLength(1);
    expect(await program.commandLine('status')).toContain('1 in quarantine');
    const listed = JSON.parse(await program.commandLine('rules', '--json')) as { rules: { id: string; quarantine?: { reason: string } }[] };
    expect(listed.rules.map(({ quarantine }) => quarantine?.reason).filter((reason) => reason !== undefined)).toEqual(['too loud']);
    expect(await program.commandLine('audit')).toContain('rule/0c1a6c2e-0000-4000-8000-000000000001');
    // It outlives a restart, and is lifted by hand.
    await program.stop();
    await program.restart();
    await send('three');
    expect(await program.alerts()).toHaveLength(1);
    await program.commandLine('rules', 'release', '0c1a6c2e-0000-4000-8000-000000000001');
    await send('four');
    expect((await program.alerts()).map(({ groupBy }) => Object.values(groupBy)[0]).sort()).toEqual(['four', 'one']);
    const unknown = await program.call('POST', '/rules/quarantine', { body: { rule: 'nobody', quarantined: true } });
    expect(unknown.status).toBe(404);
    const wrong = await program.call<{ error: { code: string } }>('PUT', '/rules', { body: {} });
    expect([wrong.status, wrong.headers.get('allow'), wrong.body.error.code]).toEqual([405, 'GET, POST', 'api.bad_method']);
    expect((await program.call('PUT', '/nothing', { body: {} })).status).toBe(404);
  });

  it('refuses a port that is taken before it writes anything', async (context) => {
    if (missing !== undefined) context.skip(missing);
    await using program = await Program.start();
    const port = new URL(program.url).port;
    const { code, out, err } = await run('up', '--port', port, '--data', at('second'));
    expect([code, out + err]).toEqual([expect.any(Number), expect.stringContaining('config.cannot_listen')]);
    expect((await run('status', '--data', at('second'))).err).toContain('nothing runs on this data folder');
  });
});
