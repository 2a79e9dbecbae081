/** The frame of the OpenAPI document; its paths come from the routes. */

/** Title, version and the one way to authenticate. */
export const openApiInfo = {
  info: {
    title: 'Tocsin API',
    version: '1',
    description: 'Send security events, follow alerts, manage rules and sources. Everything the command line does goes through here.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  components: { securitySchemes: { bearer: { type: 'http' as const, scheme: 'bearer' } } },
};
