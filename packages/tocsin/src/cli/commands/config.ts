/** `tocsin config`: the settings in force, a file checked before it is used, and what a setting means. */
import type { Command } from '../command.ts';
import { visible, visibleLines } from '../visible-text.ts';

/** Exit code of sysexits.h for configuration. */
const EXIT_CONFIG = 78;

const show: Command['run'] = async ({ terminal, api }) => {
  const settings = await (await api()).call<Record<string, unknown>>('GET', '/config');
  if (terminal.json) terminal.object(settings);
  else {
    const { stringify } = await import('yaml');
    terminal.line(visibleLines(stringify(settings)).trimEnd());
  }
  return 0;
};

/** `tocsin config`: the same as `config show`. */
export const config: Command = {
  name: 'config',
  summary: 'show the settings in force, secrets redacted',
  examples: ['tocsin config', 'tocsin config check tocsin.yml', 'tocsin config explain listen.port'],
  run: show,
};

/** `tocsin config show`. */
export const configShow: Command = { ...config, name: 'config show', examples: ['tocsin config show', 'tocsin config show --json'] };

/** `tocsin config check FILE`: needs no installation. */
export const configCheck: Command = {
  name: 'config check',
  argument: '<file>',
  summary: 'say everything that is wrong with a settings file, with its line',
  examples: ['tocsin config check tocsin.yml'],
  async run({ terminal, dataDir }, [file = '']) {
    const { checkConfig, readConfigFile } = await import('../../config/read-config.ts');
    const problems = checkConfig(await readConfigFile(file, dataDir));
    if (terminal.json) terminal.object({ file, problems: problems.map(({ code, message }) => ({ code, message })) });
    else if (problems.length === 0) terminal.line(`${terminal.style('green', '✓')} ${visible(file)} is right`);
    else for (const problem of problems) terminal.line(`${terminal.style('red', '✗')} ${visible(problem.message)}`);
    return problems.length === 0 ? 0 : EXIT_CONFIG;
  },
};

/** `tocsin config explain [PATH]`: needs no installation. */
export const configExplain: Command = {
  name: 'config explain',
  argument: '[path]',
  summary: 'say what a setting means, what it may be and what it is by default; for a section, or without a path, list them',
  examples: ['tocsin config explain', 'tocsin config explain rules', 'tocsin config explain listen.port'],
  async run({ terminal }, [path]) {
    const [{ explainSetting, settingPaths }, { installationSettings }] = await Promise.all([
      import('@tocsin/core/setting'),
      import('../../config/settings.ts'),
    ]);
    const all = settingPaths(installationSettings).filter((setting) => path === undefined || setting.path.startsWith(`${path}.`));
    if (all.length > 0) {
      if (terminal.json) terminal.object({ settings: all });
      else
        terminal.table(
          [
            { title: 'SETTING', value: (row) => row.path },
            { title: 'DEFAULT', value: (row) => row.default },
            { title: 'ABOUT', value: (row) => row.about },
          ],
          all,
        );
      return 0;
    }
    const found = explainSetting(installationSettings, path ?? '');
    if (terminal.json) {
      terminal.object(found);
      return 0;
    }
    terminal.line(`${terminal.style('bold', found.path)}: ${found.about}`);
    const facts = {
      kind: found.kind,
      give: found.wants,
      default: found.default,
      example: found.example,
      since: found.since,
      deprecated: found.deprecated,
      'was named': found.was.join(', ') || undefined,
    };
    for (const [name, text] of Object.entries(facts))
      if (text !== undefined) terminal.line(`  ${terminal.style('dim', name.padEnd(9))} ${text}`);
    return 0;
  },
};
