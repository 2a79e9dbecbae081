/** Which events of a frame the detectors want: a match for each, as for a rule that holds. */
import { type Fields, type FrameView, type LogSource, type Match, type Position, sha256Hex } from '@tocsin/core';
import { routesTo } from '../compile/compile-rules.ts';
import { isScalar } from '../compile/event-view.ts';
import { type FieldReader, resolveField } from '../compile/field-reader.ts';
import { entitiesOf } from '../match/entities.ts';
import type { DetectorEvent, DetectorSource, LoadedDetector } from './detector.ts';

/** What selecting needs from outside. */
export interface SelectOptions {
  readonly at: Position;
  fieldsOf(index: number): Fields | undefined;
  skip?: ((index: number) => boolean) | undefined;
  /** Whether a detector is not to be asked about an event. */
  passes?: ((index: number, detector: number) => boolean) | undefined;
  /** Told before a detector is asked about an event. */
  onAsk?: ((index: number, detector: number) => void) | undefined;
  /** A detector that threw; the event goes on to the others. */
  onError(index: number, ruleId: string, cause: unknown): void;
  /** Ask only this detector. */
  only?: number | undefined;
}

interface Route {
  readonly logSource: LogSource;
  /** Places in the list of detectors. */
  readonly asked: readonly number[];
  readonly readers: Map<string, FieldReader>;
}

const MAX_VALUE_CHARS = 256;
const EXCERPT_BYTES = 4096;

/** The detectors of an installation, by the log sources they ask for. */
export class DetectorSelection {
  readonly detectors: readonly LoadedDetector[];
  readonly #routes = new Map<string, Route>();

  /** Those in quarantine keep their places and are not asked. */
  constructor(detectors: readonly LoadedDetector[], logSources: readonly LogSource[], quarantined: ReadonlySet<number> = new Set()) {
    this.detectors = detectors;
    for (const logSource of logSources) {
      const asked = detectors.flatMap(({ detector }, place) =>
        !quarantined.has(place) && detector.sources.some((wanted) => routesTo(lower(wanted), logSource)) ? [place] : [],
      );
      if (asked.length > 0) this.#routes.set(logSource.mapping, { logSource, asked, readers: new Map() });
    }
  }

  /** Places of the detectors that are asked about a mapping's events. */
  askedAbout(mapping: string): readonly number[] {
    return this.#routes.get(mapping)?.asked ?? [];
  }

  /** Matches of a frame's events, in their order. */
  select(frame: FrameView, options: SelectOptions): Match[] {
    const matches: Match[] = [];
    if (this.#routes.size === 0) return matches;
    for (let index = 0; index < frame.header.count; index++) {
      const route = this.#routes.get(frame.mapping(index));
      if (route === undefined || options.skip?.(index) === true) continue;
      const event = new SeenEvent(frame, index, { route, options });
      for (const place of route.asked) {
        if (options.only === undefined || options.only === place) this.#ask(place, event, { options, matches });
      }
    }
    return matches;
  }

  #ask(place: number, event: SeenEvent, { options, matches }: { options: SelectOptions; matches: Match[] }): void {
    const { detector, meta } = this.detectors[place] as LoadedDetector;
    if (options.passes?.(event.index, place) === true) return;
    options.onAsk?.(event.index, place);
    try {
      if (detector.select(event)) matches.push(event.toMatch(meta.id, detector.fields, options.at));
    } catch (cause) {
      options.onError(event.index, meta.id, cause);
    }
  }
}

/** The event being asked about; its record is read when a field is first wanted. */
class SeenEvent implements DetectorEvent {
  readonly index: number;
  readonly tenant: string;
  readonly source: string;
  readonly id: string;
  readonly timeMs: number;
  readonly attributes: DetectorEvent['attributes'];
  readonly #frame: FrameView;
  readonly #route: Route;
  readonly #options: SelectOptions;
  #fields: Fields | undefined;
  #isRead = false;

  constructor(frame: FrameView, index: number, { route, options }: { route: Route; options: SelectOptions }) {
    this.#frame = frame;
    this.#route = route;
    this.#options = options;
    this.index = index;
    this.tenant = frame.header.tenant;
    this.source = frame.source(index);
    this.id = frame.id(index);
    this.timeMs = frame.timeMs(index);
    this.attributes = frame.attributes(index);
  }

  get(field: string): string | undefined {
    if (!this.#isRead) this.#fields = this.#options.fieldsOf(this.index);
    this.#isRead = true;
    if (this.#fields === undefined) return undefined;
    const reader = this.#route.readers.get(field) ?? resolveField(field, this.#route.logSource);
    this.#route.readers.set(field, reader);
    const [value] = reader(this.#fields).values;
    return isScalar(value) ? String(value).slice(0, MAX_VALUE_CHARS) : undefined;
  }

  toMatch(ruleId: string, fields: readonly string[], at: Position): Match {
    const { correlationId, receivedMs, record } = this.#frame.event(this.index);
    const group = fields.flatMap((field): [string, string][] => {
      const value = this.get(field);
      return value === undefined ? [] : [[field, value]];
    });
    return {
      ruleId,
      tenant: this.tenant,
      timeMs: this.timeMs,
      receivedMs,
      evidence: {
        source: this.source,
        eventId: this.id,
        timeMs: this.timeMs,
        sha256: sha256Hex(record),
        at: { position: at, index: this.index },
        excerpt: new TextDecoder().decode(record.subarray(0, EXCERPT_BYTES), { stream: record.length > EXCERPT_BYTES }),
      },
      group: Object.fromEntries(group),
      entities: entitiesOf(this.attributes, this.#route.logSource, this.source),
      explanation: [],
      ...(correlationId === undefined ? {} : { correlationId }),
    };
  }
}

function lower(wanted: DetectorSource): DetectorSource {
  return { product: wanted.product?.toLowerCase(), category: wanted.category?.toLowerCase(), service: wanted.service?.toLowerCase() };
}
