/** Agents that were looked for in the package registries and are not to be had there, and what happened. */
export const notToBeHad: readonly { readonly agent: string; readonly 'what happened': string }[] = [
  { agent: 'OpenTelemetry Collector 0.164.0', 'what happened': 'Go: `receiver/otlpreceiver` and `exporter/otlpexporter` need modules whose versions the proxy does not serve (403).' },
  { agent: 'its receiver filelog, its exporters splunk_hec, syslog, loki', 'what happened': 'Go, 0.120.0 and 0.130.0: their check sums are not served (404), and they are not taken without; 0.164.0: not served (403). The collector is fed by OTLP instead, HEC and syslog are proved with Telegraf.' },
  { agent: 'its exporter kafka', 'what happened': 'Go, 0.120.0: served; left out, as a Kafka broker is not part of this run. A real broker is tested in `packages/ingest`.' },
  { agent: 'Fluent Bit, Fluentd', 'what happened': 'Not in Debian 12, PyPI or npm; Ruby gems are not reached. Their protocol is tested by `forward-agents.test.ts`.' },
  { agent: 'Vector', 'what happened': 'Not in Debian 12; the crate of that name is another program.' },
  { agent: 'Filebeat, Logstash', 'what happened': 'Not in Debian 12, npm or PyPI (clients of the same names only); Go: the module of Beats is not served (403). Their `_bulk` traffic is tested from recorded requests, and with the official Elasticsearch client.' },
  { agent: 'Promtail, Grafana Alloy', 'what happened': 'Not in Debian 12; their Go modules use `replace`, which `go install` refuses. The Loki door is tested with winston-loki and Telegraf.' },
];
