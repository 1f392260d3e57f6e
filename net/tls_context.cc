#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <memory>
#include <string_view>

namespace auditferry {
namespace {

namespace ssl = boost::asio::ssl;

Error unusable(const std::string& setting, const std::string& file, const std::string& why) {
  return Error{ErrorKind::tls, "cannot use " + file + " (" + setting + "): " + why +
                                   "; name a PEM file there that the user that runs auditferry can read"};
}

// `X` of the certificate of the common name, or the whole subject when there is none.
std::string common_name(const X509_NAME* name) {
  std::array<char, 256> text{};
  if (X509_NAME_get_text_by_NID(const_cast<X509_NAME*>(name), NID_commonName, text.data(),
                                static_cast<int>(text.size())) > 0)
    return text.data();
  X509_NAME_oneline(name, text.data(), static_cast<int>(text.size()));
  return text.data();
}

std::string time_text(const ASN1_TIME* time) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  std::array<char, 64> text{};
  if (!bio || ASN1_TIME_print(bio.get(), time) != 1) return "an unknown time";
  const int bytes = BIO_read(bio.get(), text.data(), static_cast<int>(text.size()) - 1);
  return bytes > 0 ? std::string(text.data(), static_cast<std::size_t>(bytes)) : "an unknown time";
}

// The names and addresses that a certificate is for, at most ten.
std::string names_of(const X509* certificate) {
  struct FreeNames {
    void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  };
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string text;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()) && i < 10; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    if (!text.empty()) text += ", ";
    text.append(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return text;
}

// Text from a certificate comes from outside: one line, no control characters.
std::string harmless(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

// In the words of RFC 5425 section 4.2.2.
std::string fingerprint_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (certificate == nullptr || X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return "none";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text = "sha-256";
  for (unsigned i = 0; i < size; ++i) {
    text += ':';
    text += digits[digest[i] >> 4];
    text += digits[digest[i] & 15];
  }
  return text;
}

Status load_own_certificate(const TlsSettings& settings, ssl::context& context) {
  boost::system::error_code error;
  if (settings.cert_file.empty() != settings.key_file.empty()) {
    return Error{ErrorKind::tls, "tls.cert_file and tls.key_file are needed together"};
  }
  if (settings.cert_file.empty()) return {};
  context.use_certificate_chain_file(settings.cert_file, error);
  if (error) return unusable("tls.cert_file", settings.cert_file, error.message());
  context.use_private_key_file(settings.key_file, ssl::context::pem, error);
  if (error) return unusable("tls.key_file", settings.key_file, error.message());
  if (SSL_CTX_check_private_key(context.native_handle()) != 1) {
    return unusable("tls.key_file", settings.key_file, "it is not the key of tls.cert_file");
  }
  return {};
}

}  // namespace

TlsContexts::TlsContexts() = default;
TlsContexts::~TlsContexts() = default;

Result<std::shared_ptr<X509_STORE>> TlsContexts::authorities(const TlsSettings& settings) {
  const auto known = authorities_.find(settings.ca_file);
  if (known != authorities_.end()) return known->second;
  // Loaded by a context, so that errors are told in its words.
  ssl::context loader(ssl::context::tls_client);
  boost::system::error_code error;
  if (!settings.ca_file.empty()) {
    loader.load_verify_file(settings.ca_file, error);
    if (error) return unusable("tls.ca_file", settings.ca_file, error.message());
  } else {
    loader.set_default_verify_paths(error);
    if (error)
      return Error{
          ErrorKind::tls,
          "cannot load the system's certificate authorities: install ca-certificates or set tls.ca_file"};
  }
  X509_STORE* store = SSL_CTX_get_cert_store(loader.native_handle());
  X509_STORE_up_ref(store);
  return authorities_[settings.ca_file] = std::shared_ptr<X509_STORE>(store, X509_STORE_free);
}

Result<std::shared_ptr<ssl::context>> TlsContexts::get(const TlsSettings& settings) {
  const Key key(settings.ca_file, settings.cert_file, settings.key_file, settings.min_version,
                settings.insecure, !settings.fingerprint.empty());
  const auto known = contexts_.find(key);
  if (known != contexts_.end()) return known->second;
  ERR_clear_error();
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  // Nothing verifies against authorities where a fingerprint does.
  if (!settings.ca_file.empty() || (!settings.insecure && settings.fingerprint.empty())) {
    Result<std::shared_ptr<X509_STORE>> store = authorities(settings);
    if (!store) return store.error();
    SSL_CTX_set1_cert_store(context->native_handle(), store->get());
  }
  if (Status loaded = load_own_certificate(settings, *context); !loaded.ok()) return loaded.error();
  const int oldest = settings.min_version == TlsVersion::tls1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
  if (SSL_CTX_set_min_proto_version(context->native_handle(), oldest) != 1) {
    return Error{ErrorKind::tls, "this machine's OpenSSL does not allow the version of tls.min_version"};
  }
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  boost::system::error_code ignored;
  context->set_verify_mode(settings.insecure ? ssl::verify_none : ssl::verify_peer, ignored);
  contexts_[key] = context;
  return context;
}

TlsVerification::TlsVerification(const TlsSettings& settings, const Origin& origin)
    : settings_(settings), origin_(origin) {}

Status TlsVerification::prepare(ssl_st* stream) {
  ERR_clear_error();
  const std::string name = expected_name();
  X509_VERIFY_PARAM* parameters = SSL_get0_param(stream);
  bool fine = true;
  if (!settings_.fingerprint.empty()) {
    fine = is_ip_address(name) || SSL_set_tlsext_host_name(stream, name.c_str()) == 1;
  } else if (is_ip_address(name)) {
    fine = X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str()) == 1;
  } else {
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    fine = X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size()) == 1 &&
           SSL_set_tlsext_host_name(stream, name.c_str()) == 1;
  }
  if (!fine)
    return Error{ErrorKind::tls,
                 "'" + name + "' cannot be verified as a name: check the URL and tls.server_name"};
  return {};
}

bool TlsVerification::verify(bool fine, x509_store_ctx_st* store) {
  if (!settings_.fingerprint.empty()) {
    // Of the server's own certificate, whichever of its chain this call is about and whatever is wrong with that.
    shown_fingerprint_ = fingerprint_of(X509_STORE_CTX_get0_cert(store));
    return has_fingerprint();
  }
  if (fine || failure_) return fine;
  Failure failure;
  failure.code = X509_STORE_CTX_get_error(store);
  failure.reason = X509_verify_cert_error_string(failure.code);
  if (const X509* certificate = X509_STORE_CTX_get_current_cert(store)) {
    failure.subject = harmless(common_name(X509_get_subject_name(certificate)));
    failure.issuer = harmless(common_name(X509_get_issuer_name(certificate)));
    failure.names = harmless(names_of(certificate));
    failure.expiry = time_text(X509_get0_notAfter(certificate));
    failure.beginning = time_text(X509_get0_notBefore(certificate));
  }
  failure_ = std::move(failure);
  return false;
}

Status TlsVerification::confirm() const {
  if (settings_.fingerprint.empty() || has_fingerprint()) return {};
  return explain_fingerprint();
}

Error TlsVerification::explain_fingerprint() const {
  return {ErrorKind::tls, "certificate of " + origin_.text() + " has the fingerprint " +
                              (shown_fingerprint_.empty() ? "none" : shown_fingerprint_) +
                              ", not that of tls.fingerprint: compare it with 'openssl x509 -noout -fingerprint -sha256' of the file "
                              "on the server; if they are the same (a renewed certificate), set tls.fingerprint to it"};
}

Error TlsVerification::explain_certificate(const Failure& failure) const {
  const std::string certificate = "certificate of " + origin_.text();
  const std::string shown = " (certificate '" + failure.subject + "', issued by '" + failure.issuer +
                            "', valid until " + failure.expiry + ")";
  switch (failure.code) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return {ErrorKind::tls,
              certificate + " is not for '" + expected_name() + "' but for " +
                  (failure.names.empty() ? "'" + failure.subject + "'" : failure.names) +
                  ": correct the URL, or set tls.server_name to a name that the certificate holds" + shown};
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {ErrorKind::tls, certificate + " expired on " + failure.expiry +
                                  ": its owner must renew it; if this machine's clock is wrong, correct it" +
                                  shown};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {ErrorKind::tls, certificate + " is not valid before " + failure.beginning +
                                  ": check this machine's clock" + shown};
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return {ErrorKind::tls, certificate + " is signed by an unknown authority '" + failure.issuer +
                                  "': set tls.ca_file to that CA's certificate" + shown};
    default:
      return {ErrorKind::tls, certificate + " was refused: " + failure.reason +
                                  ": its owner must replace it; to trust another authority set tls.ca_file" + shown};
  }
}

Error TlsVerification::explain(const boost::system::error_code& error, ssl_st* stream) const {
  if (failure_) return explain_certificate(*failure_);
  if (!settings_.fingerprint.empty() && !shown_fingerprint_.empty() && !has_fingerprint()) return explain_fingerprint();
  const std::string peer = origin_.text();
  if (error.category() == boost::asio::error::get_ssl_category()) {
    switch (ERR_GET_REASON(static_cast<unsigned long>(error.value()))) {
      case SSL_R_UNSUPPORTED_PROTOCOL:
      case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      case SSL_R_WRONG_SSL_VERSION:
        return {ErrorKind::tls,
                peer + " does not speak TLS " +
                    (settings_.min_version == TlsVersion::tls1_3 ? "1.3 (tls.min_version)" : "1.2 or newer") +
                    ": it must be updated, older versions are not safe"};
      case SSL_R_WRONG_VERSION_NUMBER:
      case SSL_R_HTTP_REQUEST:
        return {ErrorKind::tls, peer +
                                    " does not speak TLS on this port: check the port, or whether the URL "
                                    "should begin with http://"};
      case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
      case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        return {ErrorKind::tls,
                peer + " refused the TLS handshake (" + error.message() +
                    "): if it wants a client certificate, set tls.cert_file and tls.key_file" +
                    (settings_.cert_file.empty() ? "" : " to one that it accepts")};
      default:
        break;
    }
  }
  const char* state = stream ? SSL_state_string_long(stream) : "unknown";
  // A connection that breaks here says nothing about certificates: it may be a restart of the far end.
  const bool broke = error.category() != boost::asio::error::get_ssl_category();
  return {broke ? ErrorKind::connect : ErrorKind::tls, "the TLS handshake with " + peer +
                                                           " failed: " + error.message() + " (" + state +
                                                           "): check that this port speaks TLS"};
}

}  // namespace auditferry
