#include "sandbox/test_certificates.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <memory>
#include <utility>

namespace auditferry {
namespace {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;

Error failed(const std::string& what) {
  return Error{ErrorKind::io, "cannot make a certificate: " + what};
}

bool add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  if (!extension) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

Certificate begin_certificate(EVP_PKEY* key, const std::string& common_name, long serial, Duration from,
                              Duration to) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()),
                  std::chrono::duration_cast<std::chrono::seconds>(from).count());
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()),
                  std::chrono::duration_cast<std::chrono::seconds>(to).count());
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  return certificate;
}

Status write_file(const std::string& path, bool secret, EVP_PKEY* key, X509* certificate) {
  std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "w"));
  if (!file) return failed("cannot write " + path);
  if (secret && fchmod(fileno(file.get()), 0600) != 0) return failed("cannot protect " + path);
  const int written = key ? PEM_write_PrivateKey(file.get(), key, nullptr, nullptr, 0, nullptr, nullptr)
                          : PEM_write_X509(file.get(), certificate);
  if (written != 1) return failed("cannot write " + path);
  return {};
}

std::string alternative_names(const CertificateWish& wish) {
  std::string names;
  for (const std::string& name : wish.dns_names) names += (names.empty() ? "DNS:" : ",DNS:") + name;
  for (const std::string& address : wish.ip_addresses) names += (names.empty() ? "IP:" : ",IP:") + address;
  return names;
}

}  // namespace

struct TestCertificates::Authority {
  Key key;
  Certificate certificate;
};

TestCertificates::TestCertificates(std::string folder)
    : folder_(std::move(folder)), authority_(std::make_unique<Authority>()) {}

TestCertificates::TestCertificates(TestCertificates&&) noexcept = default;
TestCertificates::~TestCertificates() = default;

Result<TestCertificates> TestCertificates::make(std::string folder, const std::string& ca_name) {
  TestCertificates made(std::move(folder));
  Authority& authority = *made.authority_;
  authority.key.reset(EVP_EC_gen("P-256"));
  if (!authority.key) return failed("no key");
  authority.certificate = begin_certificate(authority.key.get(), ca_name, made.serial_++,
                                            -std::chrono::hours(24 * 365), std::chrono::hours(24 * 365));
  X509* certificate = authority.certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  const bool fine = add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE") &&
                    add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                    add_extension(certificate, certificate, NID_subject_key_identifier, "hash") &&
                    X509_sign(certificate, authority.key.get(), EVP_sha256()) > 0;
  if (!fine) return failed("the authority");
  if (Status written = write_file(made.ca_file(), false, nullptr, certificate); !written.ok())
    return written.error();
  return made;
}

Result<CertificateFiles> TestCertificates::issue(const CertificateWish& wish) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return failed("no key");
  const Certificate certificate =
      begin_certificate(key.get(), wish.common_name, serial_++, wish.valid_from, wish.valid_to);
  X509* issuer = authority_->certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  const std::string names = alternative_names(wish);
  const bool fine =
      add_extension(certificate.get(), issuer, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(certificate.get(), issuer, NID_authority_key_identifier, "keyid") &&
      add_extension(certificate.get(), issuer, NID_ext_key_usage, "serverAuth,clientAuth") &&
      (names.empty() || add_extension(certificate.get(), issuer, NID_subject_alt_name, names)) &&
      X509_sign(certificate.get(), authority_->key.get(), EVP_sha256()) > 0;
  if (!fine) return failed(wish.common_name);
  CertificateFiles files{folder_ + "/" + wish.file_name + ".pem", folder_ + "/" + wish.file_name + ".key"};
  if (Status written = write_file(files.cert_file, false, nullptr, certificate.get()); !written.ok())
    return written.error();
  if (Status written = write_file(files.key_file, true, key.get(), nullptr); !written.ok())
    return written.error();
  return files;
}

Result<CertificateFiles> TestCertificates::issue_for_loopback() {
  CertificateWish wish;
  wish.dns_names = {"localhost"};
  wish.ip_addresses = {"127.0.0.1", "::1"};
  return issue(wish);
}

}  // namespace auditferry
