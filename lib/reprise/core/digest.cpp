#include "reprise/core/digest.hpp"

#ifdef REPRISE_WITHOUT_OPENSSL
#include "reprise/core/sha256.hpp"
#else
#include <openssl/evp.h>
#endif

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "reprise/core/byte_order.hpp"

namespace reprise {

#ifdef REPRISE_WITHOUT_OPENSSL
struct Sha256::State : PlainSha256 {};
#else
struct Sha256::State {
  struct Free {
    void operator()(EVP_MD_CTX* freed) const { EVP_MD_CTX_free(freed); }
  };

  State() {
    if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
      throw std::runtime_error("OpenSSL offers no SHA-256");
    }
  }
  void update(std::span<const std::byte> bytes) {
    if (EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) != 1) {
      throw std::runtime_error("OpenSSL failed to update a SHA-256");
    }
  }
  Bytes finish() {
    Bytes bytes{};
    unsigned int size = 0;
    if (EVP_DigestFinal_ex(context.get(), bytes.data(), &size) != 1) {
      throw std::runtime_error("OpenSSL failed to finish a SHA-256");
    }
    return bytes;
  }

  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};
#endif

namespace {

template <class Number>
void update_numbers(Sha256& hash, std::span<const Number> numbers) {
  to_little_endian(numbers, [&](std::span<const std::byte> bytes) { hash.update(bytes); });
}

template <class Real>
void update_reals(Sha256& hash, std::span<const Real> values) {
  hash.update_u64(values.size());
  const auto is_nan = [](Real value) { return std::isnan(value); };
  if (std::none_of(values.begin(), values.end(), is_nan)) {
    update_numbers(hash, values);
    return;
  }
  std::vector<Real> same(values.begin(), values.end());
  std::replace_if(same.begin(), same.end(), is_nan, std::numeric_limits<Real>::quiet_NaN());
  update_numbers<Real>(hash, same);
}

}  // namespace

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
  state_->update(bytes);
}

void Sha256::update_u64(std::uint64_t value) {
  update_numbers<std::uint64_t>(*this, {&value, 1});
}

void Sha256::update_text(std::string_view text) {
  update_u64(text.size());
  update(std::as_bytes(std::span(text.data(), text.size())));
}

void Sha256::update_floats(std::span<const float> values) {
  update_reals(*this, values);
}

void Sha256::update_doubles(std::span<const double> values) {
  update_reals(*this, values);
}

Sha256::Bytes Sha256::finish() {
  return state_->finish();
}

std::string Sha256::finish_hex() {
  return to_hex(finish());
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string sha256_hex(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish_hex();
}

}  // namespace reprise
