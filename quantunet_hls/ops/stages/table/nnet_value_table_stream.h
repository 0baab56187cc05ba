#ifndef NNET_VALUE_TABLE_STREAM_H_
#define NNET_VALUE_TABLE_STREAM_H_

// Any function of a value of few bits: the entry of a table at these bits.

#include "hls_stream.h"
#include "nnet_common.h"

namespace nnet {

template <class data_T, class res_T, typename CONFIG_T>
void value_table(hls::stream<data_T> &image, hls::stream<res_T> &looked_up) {
Pixel:
    for (unsigned i = 0; i < CONFIG_T::n_pixels; i++) {
        #pragma HLS PIPELINE
        data_T pixel = image.read();
        res_T out;
        PRAGMA_DATA_PACK(out)
    Channel:
        for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
            #pragma HLS UNROLL
            // All that comes is a number of this type, whatever the stream's own.
            typename CONFIG_T::index_t number = pixel[c];
            ap_uint<CONFIG_T::index_t::width> bits = number.range(CONFIG_T::index_t::width - 1, 0);
            typename res_T::value_type entry;
            entry.range(res_T::value_type::width - 1, 0) = CONFIG_T::entry(bits.to_uint());
            out[c] = entry;
        }
        looked_up.write(out);
    }
}

} // namespace nnet

#endif
