#include "compiler/kernel/simulator/memory.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "compiler/kernel/arithmetic.h"
#include "ir/base/status.h"

namespace ingot::kernel::simulator {
namespace {

// A permutation of 64 bits (the finalizer of MurmurHash3): element i of a stream.
uint64_t Mix(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdu;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53u;
  return x ^ (x >> 33);
}

uint64_t BitsOf(ElementType element, int64_t value) {
  if (IsFloat(element)) return FloatBits(element, static_cast<double>(value));
  return IntegerBits(element, value);
}

}  // namespace

void VirtualMemory::Find(int64_t number) {
  std::unique_ptr<uint8_t[]>& page = pages_[number];
  if (page == nullptr) {
    page = std::make_unique<uint8_t[]>(kPageBytes);
    const int width = ByteWidth(element_);
    const uint64_t range = static_cast<uint64_t>(contents_.most - contents_.least) + 1;
    const int64_t first = number * kPageBytes / width;
    for (int64_t i = 0; i < kPageBytes / width; ++i) {
      const uint64_t drawn = Mix(static_cast<uint64_t>(first + i) + Mix(contents_.stream + 1));
      const int64_t value =
          contents_.least + static_cast<int64_t>(range == 0 ? drawn : drawn % range);
      const uint64_t bits = BitsOf(element_, value);
      std::memcpy(page.get() + i * width, &bits, width);
    }
  }
  last_number_ = number;
  last_ = page.get();
}

void TouchMap::Add(int64_t offset, int bytes) {
  const int64_t number = offset / kPageBits;
  if (number != last_number_) {
    std::unique_ptr<uint64_t[]>& page = pages_[number];
    if (page == nullptr) page = std::make_unique<uint64_t[]>(kPageBits / 64);
    last_number_ = number;
    last_ = page.get();
  }
  uint64_t& word = last_[offset % kPageBits / 64];
  const uint64_t bits = ((uint64_t{1} << bytes) - 1) << (offset % 64);
  count_ += std::popcount(bits & ~word);
  // At most 16 bytes, aligned to them, lie in one half of the word.
  const uint64_t half = ((uint64_t{1} << 32) - 1) << (offset % 64 / 32 * 32);
  if ((word & half) == 0) ++sectors_;
  word |= bits;
}

absl::Status Memory::BindGlobal(const Argument& argument, BoundBuffer& bound) {
  const Buffer& buffer = *bound.buffer;
  if (argument.contents.has_value()) {
    const Contents& contents = *argument.contents;
    if (contents.most < contents.least) {
      return InvalidArgument("contents from ", contents.least, " to ", contents.most);
    }
    virtual_.push_back(std::make_unique<VirtualMemory>(contents, buffer.element));
    bound.pages = virtual_.back().get();
    return absl::OkStatus();
  }
  if (argument.data == nullptr && buffer.ByteSize() > 0) return InvalidArgument("no memory");
  if (reinterpret_cast<uintptr_t>(argument.data) % buffer.alignment != 0) {
    return InvalidArgument("its address is not aligned to ", buffer.alignment, " bytes");
  }
  bound.data = static_cast<uint8_t*>(argument.data);
  bound.written = argument.written;
  return absl::OkStatus();
}

// Buffers that share bytes share a shadow.  What nobody writes needs none.
void Memory::MakeShadows(const Code& code) {
  std::vector<BoundBuffer*> order;
  for (int i = 0; i < code.global_buffers; ++i) {
    if (buffers_[i].data != nullptr && buffers_[i].count > 0) order.push_back(&buffers_[i]);
  }
  std::sort(order.begin(), order.end(),
            [](const BoundBuffer* a, const BoundBuffer* b) { return a->data < b->data; });
  for (size_t i = 0; i < order.size();) {
    const uint8_t* const begin = order[i]->data;
    const uint8_t* end = begin;
    bool written = false;
    uint64_t bits = 16;
    size_t last = i;
    for (; last < order.size() && (last == i || order[last]->data < end); ++last) {
      const BoundBuffer& bound = *order[last];
      end = std::max<const uint8_t*>(end, bound.data + bound.buffer->ByteSize());
      written |= bound.written_by_kernel;
      bits |= bound.element_bytes | (bound.data - begin);
    }
    if (written) {
      const int granule = static_cast<int>(bits & -bits);
      shadows_.push_back(std::make_unique<Shadow>(end - begin, granule));
      for (size_t k = i; k < last; ++k) {
        order[k]->shadow = shadows_.back().get();
        order[k]->shadow_offset = order[k]->data - begin;
      }
    }
    i = last;
  }
}

absl::StatusOr<std::unique_ptr<Memory>> Memory::Bind(const Code& code,
                                                     absl::Span<const Argument> arguments,
                                                     bool races) {
  const Kernel& kernel = *code.kernel;
  if (arguments.size() != kernel.parameters().size()) {
    return InvalidArgument("@", kernel.name(), ": ", arguments.size(), " arguments for ",
                           kernel.parameters().size(), " parameters");
  }
  auto memory = std::make_unique<Memory>();
  memory->buffers_.resize(code.buffers.size());
  const SharedPlacement placement = PlaceShared(kernel);
  memory->shared_bytes_ = placement.bytes;
  for (size_t i = 0; i < code.buffers.size(); ++i) {
    BoundBuffer& bound = memory->buffers_[i];
    bound.buffer = code.buffers[i];
    if (bound.buffer == nullptr) continue;
    bound.element_bytes = ByteWidth(bound.buffer->element);
    bound.count = bound.buffer->count();
    bound.written_by_kernel = code.is_written[i];
    bound.global = static_cast<int>(i) < code.global_buffers;
    if (bound.global) {
      INGOT_RETURN_IF_ERROR(Annotate(memory->BindGlobal(arguments[i], bound), "@", kernel.name(),
                                     ": argument ", i, " (%", bound.buffer->name, ")"));
    } else {
      bound.shared_offset = placement.offsets[i - code.global_buffers];
      memory->shared_granule_ = std::min(memory->shared_granule_, bound.element_bytes);
    }
  }
  if (races) memory->MakeShadows(code);
  for (int i = 0; i < code.global_buffers; ++i) {
    for (int k = 0; k < code.global_buffers; ++k) {
      BoundBuffer &a = memory->buffers_[i], &b = memory->buffers_[k];
      if (!a.written_by_kernel || a.data == nullptr || b.data == nullptr || !b.buffer->readonly) {
        continue;
      }
      const bool apart =
          a.data + a.buffer->ByteSize() <= b.data || b.data + b.buffer->ByteSize() <= a.data;
      if (!apart) a.readonly_clash = k;
    }
  }
  return memory;
}

}  // namespace ingot::kernel::simulator
