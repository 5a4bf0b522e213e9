/// \file
/// Channels of NHWC data in vectors. Included once per vector target, between HWY_BEFORE_NAMESPACE
/// and HWY_AFTER_NAMESPACE of a file that uses it.
#include <hwy/highway.h>

#include <cstddef>

// NOLINTNEXTLINE(llvm-header-guard): Highway's toggle, so that each target gets its own copy.
#if defined(REPRISE_POOL_CHANNEL_VECTORS) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_POOL_CHANNEL_VECTORS
#undef REPRISE_POOL_CHANNEL_VECTORS
#else
#define REPRISE_POOL_CHANNEL_VECTORS
#endif

HWY_BEFORE_NAMESPACE();
namespace reprise::HWY_NAMESPACE {
namespace {

/// Calls body(tag, c) for vectors of at most `width` channels from c on; returns where it stopped.
template <std::size_t width, class Body>
HWY_INLINE std::size_t channels_by(std::size_t c, std::size_t C, const Body& body) {
  const hwy::HWY_NAMESPACE::CappedTag<float, width> d;
  const std::size_t lanes = hwy::HWY_NAMESPACE::Lanes(d);
  for (; c + lanes <= C; c += lanes) body(d, c);
  return c;
}

/// Calls body(tag, c) for vectors that cover channels 0..C-1 once each: the widest first, then
/// narrower ones.
template <class Body>
HWY_INLINE void for_each_channel_vector(std::size_t C, const Body& body) {
  std::size_t c = channels_by<16>(0, C, body);
  c = channels_by<8>(c, C, body);
  c = channels_by<4>(c, C, body);
  c = channels_by<2>(c, C, body);
  channels_by<1>(c, C, body);
}

}  // namespace
}  // namespace reprise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
