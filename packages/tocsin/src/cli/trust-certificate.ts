/** Trust in one certificate more, for this process: that of the installation on this machine, which perhaps nobody else has signed. */

/** From here on connections of this process accept the certificate (PEM). Names are checked as ever. */
export async function trustCertificate(certificate: string): Promise<void> {
  // Loaded here: an installation without TLS need not pay for it.
  const { getCACertificates, setDefaultCACertificates } = await import('node:tls');
  setDefaultCACertificates([...getCACertificates('default'), certificate]);
}
