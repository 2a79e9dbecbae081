/** Tables between severity ids and the words and numbers of other systems. Names are lower case; each table says its source. */
import type { SeverityId } from './severity.ts';

/** A table to and from one system: what it writes, and the one word it is written as there. */
export interface SeverityTable {
  readonly from: Readonly<Record<string, SeverityId>>;
  /** By severity id, 0 … 6. */
  readonly to: readonly [string, string, string, string, string, string, string];
}

/** A system whose severities are known. */
export type SeverityScheme = 'ocsf' | 'sigma' | 'syslog' | 'cef' | 'ecs' | 'windows' | 'nxlog' | 'suricata' | 'wazuh';

/** The tables by system. Severities that two ids share are written as the milder word. */
export const severityTables = {
  /** OCSF 1.x `severity_id` and `severity`. */
  ocsf: {
    from: {
      '0': 0, '1': 1, '2': 2, '3': 3, '4': 4, '5': 5, '6': 6,
      unknown: 0, informational: 1, low: 2, medium: 3, high: 4, critical: 5, fatal: 6,
    },
    to: ['unknown', 'informational', 'low', 'medium', 'high', 'critical', 'fatal'],
  },
  /** Sigma specification 2.1, "Level". It has nothing above critical. */
  sigma: {
    from: { informational: 1, low: 2, medium: 3, high: 4, critical: 5 },
    to: ['informational', 'informational', 'low', 'medium', 'high', 'critical', 'critical'],
  },
  /** RFC 5424, table 2: numbers, its words and those of syslog.h. Debug is no threat of its own: informational. */
  syslog: {
    from: {
      '0': 6, '1': 5, '2': 5, '3': 4, '4': 3, '5': 2, '6': 1, '7': 1,
      emerg: 6, emergency: 6, panic: 6, alert: 5, crit: 5, critical: 5, err: 4, error: 4,
      warning: 3, warn: 3, notice: 2, info: 1, informational: 1, debug: 1,
    },
    to: ['6', '6', '5', '4', '3', '2', '0'],
  },
  /** ArcSight Common Event Format: 0-3 low, 4-6 medium, 7-8 high, 9-10 very high; or the words. */
  cef: {
    from: {
      '0': 2, '1': 2, '2': 2, '3': 2, '4': 3, '5': 3, '6': 3, '7': 4, '8': 4, '9': 5, '10': 5,
      unknown: 0, low: 2, medium: 3, high: 4, 'very-high': 5,
    },
    to: ['Unknown', '0', '3', '5', '7', '9', '10'],
  },
  /** Elastic Common Schema `log.level`, as Beats and ECS loggers write it. */
  ecs: {
    from: {
      trace: 1, debug: 1, info: 1, information: 1, informational: 1, notice: 2, low: 2, warn: 3, warning: 3, medium: 3,
      err: 4, error: 4, high: 4, alert: 5, crit: 5, critical: 5, emerg: 6, emergency: 6, fatal: 6,
    },
    to: ['info', 'info', 'notice', 'warning', 'error', 'critical', 'emergency'],
  },
  /** Windows event `Level`: 0 log always, 1 critical, 2 error, 3 warning, 4 information, 5 verbose (winmeta.xml); or the words. */
  windows: {
    from: {
      '0': 1, '1': 5, '2': 4, '3': 3, '4': 1, '5': 1,
      logalways: 1, critical: 5, error: 4, warning: 3, information: 1, informational: 1, verbose: 1,
    },
    to: ['4', '4', '4', '3', '2', '1', '1'],
  },
  /** NXLog `SeverityValue` and `Severity` (NXLog reference, "normalized severity"). */
  nxlog: {
    from: { '1': 1, '2': 1, '3': 3, '4': 4, '5': 5, debug: 1, info: 1, warning: 3, error: 4, critical: 5 },
    to: ['INFO', 'INFO', 'INFO', 'WARNING', 'ERROR', 'CRITICAL', 'CRITICAL'],
  },
  /** Suricata `alert.severity`: 1 high to 4 informational (Suricata user guide, "Priority"). */
  suricata: {
    from: { '1': 4, '2': 3, '3': 2, '4': 1, '5': 1, '255': 1 },
    to: ['4', '4', '3', '2', '1', '1', '1'],
  },
  /** Wazuh `rule.level` 0 … 15 (Wazuh documentation, "Rules classification"): from 12 high importance, 15 severe attack. */
  wazuh: {
    from: {
      '0': 1, '1': 1, '2': 1, '3': 1, '4': 2, '5': 2, '6': 2, '7': 3, '8': 3, '9': 3, '10': 3, '11': 3,
      '12': 4, '13': 4, '14': 4, '15': 5, '16': 5,
    },
    to: ['0', '3', '5', '8', '12', '15', '16'],
  },
} satisfies Record<SeverityScheme, SeverityTable>;

/** Score of each severity id, 0 … 100: the middle of its band. */
export const severityScores: readonly [number, number, number, number, number, number, number] = [0, 10, 30, 50, 70, 90, 100];

/** Lowest score of each severity id; a score belongs to the last band that it reaches. Only a score of 100 is fatal, only 0 unknown. */
export const severityBands: readonly [number, number, number, number, number, number, number] = [0, 1, 20, 40, 60, 80, 100];
