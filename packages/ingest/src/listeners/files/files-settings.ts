/** Settings of a file listener. */
import { bytes, choice, count, duration, flag, list, type SettingsOf, settings, text } from '@tocsin/core/setting';

/** One listener of kind `files`. */
export const filesSettings = settings({
  about:
    'Follows log files of this machine, through rotation by renaming and by copying. How far each file was read is kept on disk once its events are: a file is its own spool, nothing is read while nothing can be stored.',
  fields: {
    paths: list(text({ about: 'A path or a pattern with `*`, `?`, `**`, `[…]` or `{…}`.' }), {
      about: 'Files to read. Compressed files are not followed.',
      maxItems: 100,
      example: '["/var/log/auth.log", "/var/log/nginx/*.log"]',
    }),
    exclude: list(text({ about: 'A path or a pattern.' }), {
      about: 'Files to leave out.',
      default: [],
      maxItems: 100,
      example: '["/var/log/**/*.bak"]',
    }),
    source: text({ about: 'Registered source, or `tenant/source`, whose events they are.', example: 'web01' }),
    start: choice(['beginning', 'end'], {
      about: 'Where to begin in files that are there when the listener is opened for the first time. Files that come later are read whole.',
      default: 'beginning',
    }),
    join: choice(['none', 'container', 'auditd'], {
      about:
        'What several lines are made one record: parts of long lines in logs of containers (Docker json-file, CRI), lines of one audit event.',
      default: 'none',
    }),
    encoding: choice(['auto', 'utf-8', 'utf-16le'], {
      about: 'How lines are encoded; `auto` takes UTF-16 where a file begins with its mark, else UTF-8.',
      default: 'auto',
    }),
    followLinks: flag({
      about:
        'Also read what symbolic links lead to, as /var/log/containers needs. Whoever may make links in these folders then chooses what is read.',
      default: false,
    }),
    maxLineBytes: bytes({ about: 'Longest line. A longer one is rejected and counted.', default: '64KiB', min: 256, max: 1 << 20 }),
    partialAfter: duration({
      about: 'After how long without a change a last line without an end of line is taken as it stands. Without it, its end is waited for.',
      optional: true,
      example: '30s',
    }),
    pollEvery: duration({ about: 'How often files are looked at where the system does not tell of a change.', default: '1s', min: 50 }),
    forgetAfter: duration({
      about: 'How long a file that was renamed out of the patterns is still read after its last growth.',
      default: '1m',
      min: 1000,
    }),
    maxFiles: count({ about: 'Most files known at a time.', default: 10_000, min: 1, max: 100_000 }),
    maxOpenFiles: count({ about: 'Most files held open.', default: 512, min: 1, max: 65_536 }),
    maxInFlightBytes: bytes({ about: 'Bytes read at a time before they are stored.', default: '4MiB', min: 64 << 10, max: 256 << 20 }),
  },
  rules: [
    {
      name: 'at least one path',
      breach: (value: { paths: readonly string[] }) => (value.paths.length > 0 ? undefined : 'paths is empty'),
    },
  ],
});

/** What the settings say. */
export type FilesSettings = SettingsOf<typeof filesSettings>;
