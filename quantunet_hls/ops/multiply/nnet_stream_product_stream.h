#ifndef NNET_STREAM_PRODUCT_STREAM_H_
#define NNET_STREAM_PRODUCT_STREAM_H_

// Two images multiplied, value by value; the second may have one channel for all, one pixel for all, or both.

#include "hls_stream.h"
#include "nnet_common.h"

namespace nnet {

template <class data_T, class factor_T, class res_T, typename CONFIG_T>
void stream_product(hls::stream<data_T> &image, hls::stream<factor_T> &factors, hls::stream<res_T> &products) {
    factor_T factor;
Pixel:
    for (unsigned i = 0; i < CONFIG_T::n_pixels; i++) {
        #pragma HLS PIPELINE
        data_T pixel = image.read();
        if (i == 0 || CONFIG_T::each_pixel)
            factor = factors.read();
        res_T out;
        PRAGMA_DATA_PACK(out)
    Channel:
        for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
            #pragma HLS UNROLL
            out[c] = pixel[c] * factor[CONFIG_T::each_channel ? c : 0];
        }
        products.write(out);
    }
}

} // namespace nnet

#endif
