#ifndef NNET_MULTI_THRESHOLD_STREAM_H_
#define NNET_MULTI_THRESHOLD_STREAM_H_

// How many thresholds of its channel a code reaches, by binary search: its level above the lowest one; where levels
// fall, how many it does not reach.

#include "hls_stream.h"
#include "nnet_common.h"

namespace nnet {

template <class data_T, class res_T, typename CONFIG_T>
void multi_threshold(hls::stream<data_T> &data, hls::stream<res_T> &res) {
    typedef typename data_T::value_type given_t;
    typedef typename res_T::value_type level_t;
    const unsigned most = (1u << CONFIG_T::n_bits) - 1;
Pixel:
    for (unsigned i = 0; i < CONFIG_T::n_pixels; i++) {
        #pragma HLS PIPELINE
        data_T pixel = data.read();
        res_T out;
        PRAGMA_DATA_PACK(out)
    Channel:
        for (unsigned c = 0; c < data_T::size; c++) {
            #pragma HLS UNROLL
            // The code itself, wherever its point is; one more bit keeps that of an unsigned type positive.
            ap_int<CONFIG_T::code_bits> code = 0;
            given_t given = pixel[c];
            code.range(given_t::width - 1, 0) = given.range(given_t::width - 1, 0);
            const unsigned row = CONFIG_T::n_rows == 1 ? 0 : c;
            unsigned reached = 0;
        Bit:
            for (int bit = CONFIG_T::n_bits - 1; bit >= 0; bit--) {
                #pragma HLS UNROLL
                const unsigned next = reached | (1u << bit);
                if (code >= CONFIG_T::threshold(row * most + next - 1))
                    reached = next;
            }
            const ap_int<CONFIG_T::level_bits> level =
                CONFIG_T::low + int(CONFIG_T::falls(row) ? most - reached : reached);
            level_t held = 0;
            held.range(level_t::width - 1, 0) = level.range(level_t::width - 1, 0);
            out[c] = held;
        }
        res.write(out);
    }
}

} // namespace nnet

#endif
