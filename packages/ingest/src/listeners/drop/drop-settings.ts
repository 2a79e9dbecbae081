/** Settings of a drop folder. */
import { bytes, duration, type SettingsOf, settings, text } from '@tocsin/core/setting';

/** One listener of kind `drop`. */
export const dropSettings = settings({
  about:
    'Takes in each file that is put into a folder, once, then moves it to `done/` or, where nothing could be read of it, to `rejected/` with the reason beside it. Files may be packed with gzip or zstd.',
  fields: {
    path: text({ about: 'The folder. `done` and `rejected` are made in it.', example: '/var/spool/tocsin' }),
    source: text({ about: 'Registered source, or `tenant/source`, whose events they are.', example: 'archive' }),
    settleAfter: duration({
      about: 'A file is taken when it has not changed for this long. Files that are renamed into the folder are whole from the beginning.',
      default: '2s',
      min: 0,
      max: 3_600_000,
    }),
    pollEvery: duration({ about: 'How often the folder is looked at where the system does not tell of a change.', default: '5s', min: 50 }),
    maxRecordBytes: bytes({ about: 'Longest record. A longer one is rejected and counted.', default: '1MiB', min: 1024, max: 1 << 20 }),
    maxPlainBytes: bytes({
      about: 'Most bytes of one file, unpacked. What is larger is rejected at that place.',
      default: '64GiB',
      min: 1 << 20,
    }),
  },
});

/** What the settings say. */
export type DropSettings = SettingsOf<typeof dropSettings>;
